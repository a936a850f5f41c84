// `aerie evaluate`: acceptance, real speed and equality of a drafter on held-out prompts.
using System.CommandLine;
using Aerie.Evaluation;
using Aerie.Targets;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class EvaluateVerb
{
    static readonly Option<string> Target = RecipeOptions.Target();
    static readonly Option<string> Drafter = new("--drafter", "--draft") { Description = "The drafter: its folder, a checkpoint, or a run folder (its best checkpoint).", Required = true, HelpName = "folder" };
    static readonly Option<string> Data = new("--data", "--input-data") { Description = "Held-out prompts: JSON Lines with `messages` or `prompt`, and `domain` for figures by domain.", Required = true, HelpName = "file" };
    static readonly Option<int> DraftTokens = RecipeOptions.Whole("--draft-tokens", 5, "Draft tokens of a round.");
    static readonly Option<int> MaxNewTokens = RecipeOptions.Whole("--max-new-tokens", 160, "Most tokens of an answer.");
    static readonly Option<int> Limit = RecipeOptions.Whole("--limit", 100, "Most prompts, evenly spread over the file.");
    static readonly Option<double> LeastConfidence = new("--least-confidence") { Description = "Guessing ends early where the drafter's probability of its chain falls below this; 0: never.", HelpName = "p" };
    static readonly Option<string?> Output = new("--output") { Description = "A folder for report.md, report.svg and report.json.", HelpName = "folder" };

    public static Command Create() => new Verb("evaluate", "Evaluate a drafter: acceptance by position and domain, real tokens/s against plain decoding, answers compared token by token.",
        "aerie evaluate --target assets/fledgling --drafter runs/tiny-cpu --data assets/fledgling/heldout.jsonl")
    { Target, Drafter, Data, DraftTokens, MaxNewTokens, Limit, LeastConfidence, Output }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var drafter = RunFolder.FindDrafter(RecipeOptions.Local(parsed.GetValue(Drafter)!, cancellation: cancellation));
        using var target = ChatTarget.Load(RecipeOptions.Local(parsed.GetValue(Target)!, cancellation: cancellation));
        EvaluationReport report;
        using (var bar = new ProgressBar())
            report = Pipeline.Evaluate(target, drafter, parsed.GetValue(Data)!, parsed.GetValue(DraftTokens), parsed.GetValue(MaxNewTokens), parsed.GetValue(Limit), parsed.GetValue(LeastConfidence), bar, cancellation);
        if (parsed.GetValue(Output) is { } folder) report = ReportFiles.Write(report, folder);
        ReportTable.Show(screen, report);
        return report.Lossless ? ExitCode.Done : ExitCode.Failed;
    }
}
