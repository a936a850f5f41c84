// A verb of the command line: a command that carries one real example, shown by its --help.
using System.CommandLine;

namespace Aerie.Cli;

sealed class Verb : Command
{
    /// <summary>A command line that works as it stands.</summary>
    public string Example { get; }

    public Verb(string name, string description, string example) : base(name, description) => Example = example;

    /// <summary>What the verb does; returns the exit code. The token is cancelled by the first Ctrl-C.</summary>
    public Verb Does(Func<ParseResult, Screen, CancellationToken, int> action)
    {
        SetAction(parsed =>
        {
            using var interrupts = new Interrupts();
            return action(parsed, new Screen(parsed.GetValue(Shell.Json)), interrupts.Token);
        });
        return this;
    }
}
