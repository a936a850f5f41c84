// `aerie parity` over what a shell's * finds: cases are computed, other files are left out and said so.
namespace Aerie.Cli.Tests;

public sealed class ParityTests
{
    [Fact]
    public void Files_beside_the_cases_are_left_out()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("set"));
        folder.Write("set/case.json", """{"kind":"hostile_file","parameters":{"subject":"jsonl","manifest":"manifest.jsonl","limits":{"seconds":5,"megabytes":256}}}""");
        folder.Write("set/manifest.jsonl", """{"file":"cut.jsonl","expect":"reject","why":"it ends early","line":1,"generate":{"parts":[{"text":"{"}]}}""");
        var readme = folder.Write("README.md", "words");
        var run = AerieProcess.Run("parity", readme, folder.File("set"));
        Assert.Equal((0, true), (run.ExitCode, run.Err.Contains("README.md: not a case, left out", StringComparison.Ordinal)));
        Assert.Matches(@"ok +seconds +largest cost \S+ +allowed 2", run.Out);
        Assert.Contains("(1 refused, 0 read)", run.Out, StringComparison.Ordinal);
        Assert.Equal(2, AerieProcess.Run("parity", readme).ExitCode);
        Assert.Equal(2, AerieProcess.Run("parity", readme, readme).ExitCode);
    }
}
