using System.Text;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Text;

namespace Aerie.Tests.Formats;

public sealed class HalfCharactersTests
{
    [Theory]
    [InlineData("""{"a":"\u00e9\ud83d\uDE00 \\ud83d \" \n"}""", false)]
    [InlineData("""{"a":"\ud83d"}""", true)]
    [InlineData("""{"a":"\ud83d\ud83d\ude00"}""", true)]
    [InlineData("""{"\ude00":1}""", true)]
    [InlineData("""{"a":"\\\ud83d\\ude00"}""", true)]
    [InlineData("""{"a":"\ud83""", false)]
    [InlineData("\\", false)]
    [InlineData("", false)]
    public void Are_found_where_they_are_meant(string json, bool there) => Assert.Equal(there, HalfCharacters.In(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    public void In_a_file_of_a_model_they_are_an_error_that_names_it(string file)
    {
        using var folder = Golden.Temporary();
        File.WriteAllText(folder.File("tokenizer.json"), """{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}""");
        File.WriteAllText(folder.File(file), """{"model":{"type":"BPE","vocab":{"\ud83d":0},"merges":[]},"architectures":["\ud83d"],"chat_template":"\ud83d"}""");
        var problem = Assert.Throws<AerieException>(() => { if (file == "config.json") TargetConfig.Read(folder.Path); else Tokenizer.Load(folder.Path); });
        Assert.StartsWith($"{folder.File(file)}: holds half of a character", problem.Message, StringComparison.Ordinal);
    }
}
