using System.Text.Json;
using Aerie.Export;
using Aerie.Formats;

namespace Aerie.Tests.Export;

public sealed class DrafterExportTests
{
    [Theory]
    [InlineData("eagle3")]
    [InlineData("eagle3_1")]
    public void The_folder_is_what_vLLM_expects(string name)
    {
        using var folder = Golden.Temporary();
        DrafterExport.Write(Golden.Path("exports", name, "source"), folder.File("out"));
        var expected = JsonDocument.Parse(File.ReadAllText(Golden.Path("exports", name, "expected.json"))).RootElement.GetProperty("vllm");
        var config = JsonDocument.Parse(File.ReadAllText(folder.File("out/config.json"))).RootElement;
        foreach (var key in expected.GetProperty("config").EnumerateObject())
        {
            if (key.Name.EndsWith("_token_id", StringComparison.Ordinal)) continue;      // the target's, which a drafter folder does not know; no server reads them of a drafter
            Assert.True(config.TryGetProperty(key.Name, out var value) && JsonElement.DeepEquals(key.Value, value), $"{key.Name}: {value} instead of {key.Value}");
        }
        using var source = SafetensorsFolder.Open(Golden.Path("exports", name, "source"));
        using var written = SafetensorsFolder.Open(folder.File("out"));
        Assert.Equal(expected.GetProperty("tensors").EnumerateObject().Select(t => t.Name).Order(StringComparer.Ordinal), written.Names.Order(StringComparer.Ordinal));
        foreach (var tensor in expected.GetProperty("tensors").EnumerateObject())
        {
            Assert.Equal(tensor.Value.GetProperty("dtype").GetString(), written.Get(tensor.Name).Type.FormatName());
            Assert.True(written.Bytes(tensor.Name).SequenceEqual(source.Bytes(tensor.Value.GetProperty("from").GetString()!)), tensor.Name);
        }
    }

    [Fact]
    public void An_export_never_mixes_with_what_is_there()
    {
        using var folder = Golden.Temporary();
        File.WriteAllText(folder.File("something"), "");
        Assert.Throws<AerieException>(() => DrafterExport.Write(Golden.Path("exports", "eagle3", "source"), folder.Path));
    }
}
