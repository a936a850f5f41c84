// Names of models: what is an id, which files of a repository are the model, how patterns match.
using Aerie.Hub;

namespace Aerie.Tests.Hub;

public sealed class ModelFolderTests
{
    [Theory]
    [InlineData("org/name", true)]
    [InlineData("org/name@v1.0", true)]
    [InlineData("org/name@feature/x", true)]
    [InlineData("Qwen/Qwen3-0.6B", true)]
    [InlineData("name", false)]                 // a folder, mistyped
    [InlineData("org/name@", false)]
    [InlineData("org/a--b", false)]
    [InlineData("org/a..b", false)]
    [InlineData("org/name.git", false)]
    [InlineData("a/b/c", false)]
    [InlineData("./model", false)]
    [InlineData("/models/x", false)]
    [InlineData("~/x", false)]
    [InlineData("", false)]
    public void Ids(string text, bool id) => Assert.Equal(id, ModelFolder.IsId(text));

    [Fact]
    public void A_folder_wins()
    {
        using var folder = Golden.Temporary();
        Assert.False(ModelFolder.IsId(folder.Path));
        Assert.Equal(folder.Path, ModelFolder.Resolve(folder.Path));
        Assert.Equal("org/name", ModelFolder.NameOf("/c/hub/models--org--name/snapshots/88482a4488bdc2ba8e268825f17f265a00243258/"));
        Assert.Equal("mine", ModelFolder.NameOf("/models/mine"));
    }

    [Theory]
    [InlineData("model.safetensors pytorch_model.bin README.md onnx/model.onnx", "model.safetensors")]
    [InlineData("model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json consolidated.safetensors", "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json")]
    [InlineData("consolidated.safetensors model.safetensors params.json tekken.json", "model.safetensors")]
    [InlineData("original/model.safetensors drafter.safetensors", "drafter.safetensors")]
    [InlineData("chat_template.jinja additional_chat_templates/tool.jinja additional_chat_templates/readme.txt x.jinja", "chat_template.jinja additional_chat_templates/tool.jinja")]
    public void The_files_of_a_model(string files, string needed) =>
        Assert.Equal(needed.Split(' '), ModelFolder.Needed([.. files.Split(' ').Select(f => new HubFile(f, 1, ""))], ModelParts.All).Select(f => f.Path));

    // Python's fnmatch.fnmatchcase.
    [Theory]
    [InlineData("*.json", "extra/a.json", true)]
    [InlineData("e*.txt", "extra/notes.txt", true)]
    [InlineData("*NOTES*", "extra/notes.txt", false)]
    [InlineData("extra/", "extra/deep/a", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[]]x", "]x", true)]
    [InlineData("[a", "[a", true)]
    [InlineData("a.b", "aXb", false)]
    public void Patterns(string pattern, string path, bool matches)
    {
        Assert.Equal(matches, new FilePatterns([pattern]).Match(path));
        Assert.Equal(!matches, new FilePatterns(null, [pattern]).Match(path));
    }
}
