// The run itself: what is no case, or a broken one, is a verdict in words.
using System.Text.Json;
using System.Text.Json.Nodes;
using Aerie.Parity;

namespace Aerie.Tests.Parity;

public sealed class ParityRunTests
{
    [Fact]
    public void An_unknown_kind_is_not_supported_and_named()
    {
        using var folder = new TemporaryCase("""{"kind":"tea_leaves"}""");
        var report = ParityRun.Run(folder.Path);
        Assert.Equal(ParityOutcome.NotSupported, report.Outcome);
        Assert.Contains("tea_leaves", report.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"kind": 3}""")]
    [InlineData("""{"kind":"model","tolerance":{"x":{"abs":-1}}}""")]
    [InlineData("""{"kind":"model","tolerance":[]}""")]
    [InlineData("""{"kind":"model","parameters":7}""")]
    public void A_case_that_cannot_be_read_is_said_so(string json)
    {
        using var folder = new TemporaryCase(json);
        Assert.Equal(ParityOutcome.Unreadable, ParityRun.Run(folder.Path).Outcome);
    }

    /// <summary>A small case of every kind that is recorded here.</summary>
    public static TheoryData<string> Smallest => [.. Directory.EnumerateFiles(Golden.Path(), "case.json", SearchOption.AllDirectories).Select(f => Path.GetDirectoryName(f)!)
        .Where(f => JsonDocument.Parse(File.ReadAllText(Path.Combine(f, "case.json"))).RootElement.GetProperty("kind").GetString() is "loss_mask" or "tokenizer" or "draft_vocabulary" or "lr_schedule" or "safetensors" or "model" or "hub")
        .GroupBy(f => JsonDocument.Parse(File.ReadAllText(Path.Combine(f, "case.json"))).RootElement.GetProperty("kind").GetString())
        .Select(g => Path.GetRelativePath(Golden.Path(), g.MinBy(f => new DirectoryInfo(f).EnumerateFiles("*", SearchOption.AllDirectories).Sum(x => x.Length))!))];

    [Theory, MemberData(nameof(Smallest))]
    public void A_case_with_another_value_anywhere_ends_in_a_verdict(string name)
    {
        using var folder = new TemporaryCase("{}");
        foreach (var file in new DirectoryInfo(Golden.Path(name)).EnumerateFiles()) file.CopyTo(Path.Combine(folder.Path, file.Name), overwrite: true);
        var text = File.ReadAllText(Path.Combine(folder.Path, "case.json"));
        foreach (var key in JsonNode.Parse(text)!["parameters"]?.AsObject().Select(p => p.Key) ?? [])
            foreach (var wrong in (string?[])["-3", "\"\"", "[[]]", "{}", null])
            {
                var json = JsonNode.Parse(text)!;
                if (wrong is null) json["parameters"]!.AsObject().Remove(key);
                else json["parameters"]![key] = JsonNode.Parse(wrong);
                File.WriteAllText(Path.Combine(folder.Path, "case.json"), json.ToJsonString());
                Judge();
            }
        File.WriteAllText(Path.Combine(folder.Path, "case.json"), text);
        foreach (var file in Directory.GetFiles(folder.Path).Where(f => Path.GetFileName(f) is not "case.json"))
        {
            var bytes = File.ReadAllBytes(file);
            File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]);
            Judge();
            File.Delete(file);
            Judge();
            File.WriteAllBytes(file, bytes);
        }

        // No exception; and words where nothing was compared.
        void Judge()
        {
            var report = ParityRun.Run(folder.Path);
            Assert.True(report.Results.Count > 0 || report.Message?.Length > 10, $"{report.Outcome}");
        }
    }

    [Fact]
    public void A_folder_of_cases_is_walked_and_a_missing_one_is_an_error()
    {
        using var folder = new TemporaryCase("""{"kind":"x"}""");
        File.Delete(Path.Combine(folder.Path, "case.json"));
        Assert.Throws<AerieException>(() => ParityRun.Find(folder.Path));
        foreach (var name in new[] { "b", "a/c" })
        {
            Directory.CreateDirectory(Path.Combine(folder.Path, name));
            File.WriteAllText(Path.Combine(folder.Path, name, "case.json"), "{}");
        }
        Assert.Equal(["c", "b"], ParityRun.Find(folder.Path).Select(Path.GetFileName));
        Assert.Throws<AerieException>(() => ParityRun.Find(Path.Combine(folder.Path, "nowhere")));
    }

    [Fact]
    public void Files_of_a_case_stay_in_its_folder()
    {
        using var folder = new TemporaryCase("""{"kind":"x"}""");
        Assert.Throws<AerieException>(() => new CaseFolder(folder.Path).File("../../etc/passwd"));
        Assert.Throws<AerieException>(() => new CaseFolder(folder.Path).File("nothing.safetensors"));
    }
}
