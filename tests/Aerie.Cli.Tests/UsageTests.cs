using System.Text.Json;

namespace Aerie.Cli.Tests;

public sealed class UsageTests
{
    [Fact]
    public void Without_a_verb_it_says_what_to_do_and_ends_with_2()
    {
        var run = AerieProcess.Run();
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Equal(2, run.Err.TrimEnd().Split('\n').Length);
        Assert.StartsWith("error: ", run.Err, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("docter", "Did you mean `doctor`?")]
    [InlineData("doctor --jsn", "Did you mean `--json`?")]
    [InlineData("parity", "aerie parity --help")]
    [InlineData("doctor more", "aerie doctor --help")]
    public void Bad_usage_is_two_lines_and_exit_2(string arguments, string hint)
    {
        var run = AerieProcess.Run(arguments.Split(' '));
        Assert.Equal(2, run.ExitCode);
        var lines = run.Err.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("error: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("hint: ", lines[1], StringComparison.Ordinal);
        Assert.Contains(hint, lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Version_is_one_line()
    {
        var run = AerieProcess.Run("--version");
        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^aerie \d+\.\d+\.\d+\S*\s$", run.Out);
    }

    [Fact]
    public void Doctor_speaks_json()
    {
        var run = AerieProcess.Run("doctor", "--json");
        Assert.Equal(0, run.ExitCode);
        Assert.True(JsonDocument.Parse(run.Out).RootElement.GetProperty("cores").GetInt32() > 0);
    }

    [Fact]
    public void Parity_of_a_missing_case_ends_with_2_and_of_an_unknown_kind_with_3()
    {
        Assert.Equal(2, AerieProcess.Run("parity", "/nowhere/at/all").ExitCode);
        var folder = Directory.CreateTempSubdirectory("aerie-").FullName;
        File.WriteAllText(Path.Combine(folder, "case.json"), """{"kind":"tea_leaves"}""");
        var run = AerieProcess.Run("parity", folder, "--json");
        Directory.Delete(folder, true);
        Assert.Equal(3, run.ExitCode);
        Assert.Equal(3, JsonDocument.Parse(run.Out).RootElement.GetProperty("exit_code").GetInt32());
    }

    [Theory]
    [InlineData("AERIE_ISA", "foo")]
    [InlineData("AERIE_THREADS", "many")]
    public void A_setting_that_makes_no_sense_is_the_users(string name, string value)
    {
        var run = AerieProcess.RunIn(null, new Dictionary<string, string> { [name] = value }, "doctor");
        Assert.True(run.ExitCode == 2 && run.Err.StartsWith($"error: {name} is '{value}'", StringComparison.Ordinal), run.Err);
    }
}
