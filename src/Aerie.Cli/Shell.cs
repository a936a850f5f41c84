// The command line around the verbs: help with examples, errors in two lines, exit codes.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Aerie.Cli.Verbs;
using Aerie.Training;

namespace Aerie.Cli;

static class Shell
{
    /// <summary>Accepted by every verb.</summary>
    public static readonly Option<bool> Json = new("--json") { Description = "Print one JSON value on stdout instead of text.", Recursive = true };

    /// <summary>The verbs in the order of a drafter's life.</summary>
    public static Command Root()
    {
        // Not a RootCommand: that one calls itself after its file.
        var help = new HelpOption();
        help.Action = new HelpWithExample((HelpAction)help.Action!);
        return new Command("aerie", "Aerie trains, evaluates and exports EAGLE drafters for speculative decoding.")
        {
            help,
            new VersionOption { Action = new ShowVersion() },
            Json,
            QuickstartVerb.Create(),
            PrepareVerb.Create(),
            RegenerateVerb.Create(),
            TrainVerb.Create(),
            EvaluateVerb.Create(),
            ExportVerb.Create(),
            ImportVerb.Create(),
            InspectVerb.Create(),
            BenchVerb.Create(),
            DoctorVerb.Create(),
            ParityVerb.Create(),
        };
    }

    /// <summary>The program: parses, runs the verb, returns the exit code.</summary>
    public static int Run(string[] args)
    {
        var parsed = Root().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction or null) return BadUsage(parsed);
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception e)
        {
            return Failure(e);
        }
    }

    /// <summary>Two lines for people, and the exit code that says whose fault it was.</summary>
    static int Failure(Exception e)
    {
        var debug = Environment.GetEnvironmentVariable("AERIE_DEBUG") == "1";
        var (code, what, hint) = e switch
        {
            OperationCanceledException => (ExitCode.Cancelled, "stopped", null),
            NonFiniteException run => (ExitCode.Failed, run.Message, run.Hint),
            RunFailedException run => (ExitCode.Failed, run.Message, run.Hint),
            MachineException machine => (ExitCode.Lacking, machine.Message, machine.Hint),
            AerieException user => (ExitCode.BadInput, user.Message, user.Hint),
            _ when Setting(e) is { } setting => (setting.Contains("does not offer", StringComparison.Ordinal) ? ExitCode.Lacking : ExitCode.BadInput, setting, "Unset it, or set it to one of these."),
            OutOfMemoryException => (ExitCode.Lacking, "this machine has not enough memory for it", "`aerie doctor` shows what there is; a smaller seq_length or micro_batch_size needs less."),
            IOException or UnauthorizedAccessException => (ExitCode.BadInput, e.Message, "Check the path, the rights and the free space."),
            _ => (ExitCode.Failed, $"unexpected {e.GetType().Name}: {e.Message}", "This is a bug of aerie: please report it with the command line; AERIE_DEBUG=1 shows where it happened."),
        };
        Error(what, hint);
        if (debug) Console.Error.WriteLine(e);
        return code;
    }

    // The engine knows no AerieException: what it says of its environment variables (AERIE_ISA, AERIE_THREADS, AERIE_LANES) is the user's all the same.
    static string? Setting(Exception? e) => e is null ? null : e is InvalidOperationException && e.Message.StartsWith("AERIE_", StringComparison.Ordinal) ? e.Message : Setting(e.InnerException);

    static int BadUsage(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var help = $"`{Path(command)} --help` shows what it takes.";
        if (parsed.UnmatchedTokens.Count == 0)
        {
            var missing = IsRoot(command) ? "which verb?" : parsed.Errors[0].Message;
            Error(missing, IsRoot(command) ? "`aerie --help` lists the verbs; `aerie quickstart` shows what it is all about." : help);
            return ExitCode.BadInput;
        }
        var word = parsed.UnmatchedTokens[0];
        var known = word.StartsWith('-')
            ? command.Options.Concat(parsed.RootCommandResult.Command.Options.Where(o => o.Recursive)).SelectMany(o => o.Aliases.Append(o.Name))
            : command.Subcommands.Select(c => c.Name);
        Error(word.StartsWith('-') ? $"unknown option `{word}` of `{Path(command)}`" : IsRoot(command) ? $"unknown verb `{word}`" : $"`{Path(command)}` does not take `{word}`",
            DidYouMean.Hint(word, known, help));
        return ExitCode.BadInput;
    }

    static void Error(string what, string? hint)
    {
        // One line each, whatever a message from below contains.
        Console.Error.WriteLine(Screen.Harmless($"error: {what.ReplaceLineEndings(" ")}"));
        if (hint is not null) Console.Error.WriteLine(Screen.Harmless($"hint: {hint.ReplaceLineEndings(" ")}"));
    }

    static bool IsRoot(Command command) => command is not Verb;

    static string Path(Command command) => IsRoot(command) ? "aerie" : $"aerie {command.Name}";

    sealed class HelpWithExample(HelpAction plain) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            plain.Invoke(parseResult);
            var example = parseResult.CommandResult.Command is Verb verb ? verb.Example : "aerie quickstart";
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Example:");
            foreach (var line in example.Split('\n')) output.WriteLine($"  {line}");
            if (IsRoot(parseResult.CommandResult.Command)) output.WriteLine("\nExit codes: 0 done, 1 the run failed, 2 bad usage, recipe or input, 3 this machine lacks something, 130 stopped (state saved).");
            return ExitCode.Done;
        }
    }

    sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"aerie {Version}");
            return ExitCode.Done;
        }
    }

    /// <summary>Version and, if the build knew it, commit.</summary>
    public static string Version => typeof(Shell).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
}
