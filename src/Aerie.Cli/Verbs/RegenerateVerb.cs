// `aerie regenerate`: the target answers prompts, in this process. The options are named as NeMo AutoModel's `regenerate` names them.
using System.CommandLine;
using Aerie.Capture;
using Aerie.Targets;

namespace Aerie.Cli.Verbs;

static class RegenerateVerb
{
    static readonly Option<string> Target = RecipeOptions.Target();
    static readonly Option<string> Input = new("--input-data", "--input") { Description = "Prompts: JSON Lines with `messages`, `conversations` or `prompt`.", Required = true, HelpName = "file" };
    static readonly Option<string> Output = new("--output-dir", "--output") { Description = "The folder to write; new, unless --resume.", Required = true, HelpName = "folder" };
    static readonly Option<int> MaxNewTokens = RecipeOptions.Whole("--max-new-tokens", 1024, "Most tokens of an answer.");
    static readonly Option<int> Concurrency = RecipeOptions.Whole("--concurrency", 32, "Answers written at once.");
    static readonly Option<int> ShardSize = RecipeOptions.Whole("--shard-size", 1000, "Conversations per file.");
    static readonly Option<double> Temperature = new("--temperature") { Description = "Only 0 (greedy) in this version.", DefaultValueFactory = _ => 0 };
    static readonly Option<string?> Server = new("--target-server") { Description = "Not supported by this version: the target runs in this process.", HelpName = "url" };
    static readonly Option<bool> Resume = new("--resume") { Description = "Go on where an interrupted run stopped." };

    public static Command Create() => new Verb("regenerate", "Let the target answer prompts: the data that a drafter should be trained on.",
        "aerie regenerate --target assets/fledgling --input-data assets/fledgling/prompts.jsonl --output-dir runs/tiny-cpu-data --max-new-tokens 160")
    { Target, Input, Output, MaxNewTokens, Concurrency, ShardSize, Temperature, Server, Resume }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        if (parsed.GetValue(Server) is not null) throw new MachineException("--target-server is not supported by this version.", "Give the target's folder with --target: it runs in this process.");
        if (parsed.GetValue(Temperature) != 0) throw new MachineException("sampling (--temperature above 0) is not supported by this version.", "Leave --temperature out: answers are greedy.");
        using var target = ChatTarget.Load(RecipeOptions.Local(parsed.GetValue(Target)!, cancellation: cancellation));
        var options = new RegenerationOptions(parsed.GetValue(MaxNewTokens), parsed.GetValue(Concurrency), parsed.GetValue(ShardSize), parsed.GetValue(Resume));
        RegenerationResult result;
        using (var bar = new ProgressBar()) result = Regeneration.Run(target, parsed.GetValue(Input)!, parsed.GetValue(Output)!, options, bar, cancellation);
        if (screen.Json)
            screen.Write(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("conversations", result.Conversations);
                json.WriteNumber("tokens", result.Tokens);
                json.WriteNumber("unfinished", result.Unfinished);
                json.WriteNumber("skipped", result.Skipped);
                json.WriteStartArray("files");
                foreach (var file in result.Files) json.WriteStringValue(file);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        else
        {
            foreach (var file in result.Files) screen.Line(file);
            screen.Note($"{result.Conversations} answers, {result.Tokens} tokens; {result.Unfinished} cut at the limit, {result.Skipped} rows without a question");
        }
        return ExitCode.Done;
    }
}
