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
