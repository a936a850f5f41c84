// The public surface of the command line: what scripts rely on. A change here is a change for users.
using System.CommandLine;

namespace Aerie.Cli.Tests;

public sealed class SurfaceTests
{
    const string Expected = """
        aerie [--help --json --version]
        aerie bench [--target]
        aerie doctor []
        aerie evaluate [--data --draft-tokens --drafter --least-confidence --limit --max-new-tokens --output --target]
        aerie export [--dtype] DRAFTER OUTPUT
        aerie import [--dtype] MODEL OUTPUT
        aerie inspect [--aux-layers] MODEL
        aerie parity [] CASE
        aerie prepare [--data --mask-semantics --seq-length --set --show --specforge-template --target] RECIPE
        aerie quickstart [--data --draft-tokens --max-new-tokens --output --set --target]
        aerie regenerate [--concurrency --input-data --max-new-tokens --output-dir --resume --shard-size --target --target-server --temperature]
        aerie train [--dry-run --set] RECIPE
        """;

    [Fact]
    public void Verbs_and_options_are_these()
    {
        var root = Shell.Root();
        var actual = root.Subcommands.OrderBy(c => c.Name, StringComparer.Ordinal).Select(c => $"aerie {Line(c)}").Prepend(Line(root));
        Assert.Equal(Expected.ReplaceLineEndings(), string.Join(Environment.NewLine, actual));
    }

    static string Line(Command command) =>
        $"{command.Name} [{string.Join(" ", command.Options.Select(o => o.Name).Order(StringComparer.Ordinal))}]{string.Concat(command.Arguments.Select(a => $" {a.Name}"))}";

    [Fact]
    public void Every_help_has_an_example_that_starts_with_its_own_name()
    {
        foreach (var verb in Shell.Root().Subcommands)
        {
            var output = new StringWriter();
            Assert.Equal(0, Shell.Root().Parse([verb.Name, "--help"]).Invoke(new InvocationConfiguration { Output = output }));
            Assert.Contains($"Example:{Environment.NewLine}  aerie {verb.Name}", output.ToString(), StringComparison.Ordinal);
        }
    }
}
