using System.Text;
using System.Text.Json;
using Aerie.Targets;

namespace Aerie.Tests.Targets;

public class TargetConfigTests
{
    public static TheoryData<string> Files => [.. Golden.Lines("hostile", "config", "manifest.jsonl").Select(line => line.GetProperty("file").GetString()!)];

    [Theory, MemberData(nameof(Files))]
    public void Hostile_configs_are_refused_in_words_and_their_twins_read(string file)
    {
        var line = Golden.Lines("hostile", "config", "manifest.jsonl").Single(l => l.GetProperty("file").GetString() == file);
        using var temporary = Golden.Temporary();
        var path = temporary.File("config.json");
        File.WriteAllBytes(path, line.TryGetProperty("generate", out var parts) ? Encoding.UTF8.GetBytes(Generate(parts.GetProperty("parts"))) : File.ReadAllBytes(Golden.Path("hostile", "config", file)));
        string? problem = null;
        try { TargetConfig.Read(path); }
        catch (AerieException e) { problem = e.Message; }
        if (problem is not null) Assert.Contains(path, problem, StringComparison.Ordinal);
        var verdict = problem is null ? "accept" : "reject";
        if (line.GetProperty("expect").GetString() != verdict)
            Assert.Equal(line.TryGetProperty("also_fine", out var fine) ? fine.GetString() : line.GetProperty("expect").GetString(), verdict);
    }

    static string Generate(JsonElement parts) => string.Concat(parts.EnumerateArray().Select(part => part.TryGetProperty("text", out var text) ? text.GetString()!
        : string.Concat(Enumerable.Repeat(Generate(part.GetProperty("repeat")), part.GetProperty("times").GetInt32()))));

    [Fact]
    public void An_unknown_architecture_names_the_supported_ones()
    {
        var problem = Assert.Throws<AerieException>(() => TargetConfig.Read(Golden.Path("hostile", "config", "architecture_unsupported.json")));
        Assert.Contains("BertModel", problem.Message, StringComparison.Ordinal);
        Assert.Contains("LlamaForCausalLM", problem.Hint, StringComparison.Ordinal);
    }
}
