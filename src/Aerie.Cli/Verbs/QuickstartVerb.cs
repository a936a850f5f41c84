// `aerie quickstart`: the whole life of a drafter, on the embedded target or on the user's own.
using System.CommandLine;

namespace Aerie.Cli.Verbs;

static class QuickstartVerb
{
    static readonly Option<string?> Target = new("--target", "--model") { Description = "Your target: a Hugging Face folder, or org/name[@revision] of a hub. Default: the embedded one.", HelpName = "folder" };
    static readonly Option<string?> Data = new("--data") { Description = "Your prompts or conversations, JSON Lines; the target writes the answers anew. Needed with --target.", HelpName = "file" };
    static readonly Option<string?> Output = new("--output") { Description = "The folder of the run; new. Default: runs/quickstart, or the next free number.", HelpName = "folder" };
    static readonly Option<int> DraftTokens = RecipeOptions.Whole("--draft-tokens", 5, "Draft tokens of a round in the evaluation.");
    static readonly Option<int> MaxNewTokens = RecipeOptions.Whole("--max-new-tokens", 160, "Most tokens of an answer.");
    static readonly Option<string[]> Set = RecipeOptions.Set();

    public static Command Create() => new Verb("quickstart",
        "The whole life of a drafter: regenerate answers with the target, train on its hidden states, evaluate on held-out prompts, export.",
        "aerie quickstart\naerie quickstart --target models/SmolLM2-135M-Instruct --data prompts.jsonl")
    { Target, Data, Output, DraftTokens, MaxNewTokens, Set }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var (target, data) = (parsed.GetValue(Target), parsed.GetValue(Data));
        if (target is not null && data is null) throw new AerieException("--target needs --data: prompts for your target.", "JSON Lines, one {\"prompt\": \"...\"} or {\"messages\": [...]} per line.");
        var output = parsed.GetValue(Output) ?? Free(Path.Combine("runs", "quickstart"));
        RecipeOptions.RefuseOccupied(output);
        var fledgling = Shipped("assets", "fledgling");
        var own = target is not null;
        target = own ? RecipeOptions.Local(target!, cancellation: cancellation) : fledgling;
        // Held-out prompts come with the embedded target; of the user's data some are set aside.
        var (prompts, heldOut) = data is null ? (Path.Combine(fledgling, "prompts.jsonl"), Path.Combine(fledgling, "heldout.jsonl")) : Aerie.Data.HeldOut.SetAside(data, output);
        List<string> settings = [$"recipe_args.target_model_name_or_path=\"{target}\"", $"recipe_args.output_dir=\"{Path.Combine(output, "run")}\""];
        if (own) settings.AddRange(["recipe_args.seq_length=1024", "recipe_args.draft_vocab_size=16384", "recipe_args.micro_batch_size=4", "recipe_args.num_epochs=3", "optimizer.lr=4e-4"]);
        settings.AddRange(parsed.GetValue(Set) ?? []);
        var plan = new PipelinePlan(target, prompts, heldOut, output,
            answers => Recipe.Load(Shipped("recipes", "quickstart.yaml"), [$"recipe_args.train_data_path=\"{answers}\"", .. settings]), parsed.GetValue(DraftTokens), parsed.GetValue(MaxNewTokens));
        plan.Recipe(prompts);                                  // a wrong --set should not wait for the answers
        Evaluation.EvaluationReport report;
        using (var bar = new ProgressBar()) report = Pipeline.Run(plan, bar.Say, bar, cancellation);
        ReportTable.Show(screen, report);
        return report.Lossless ? ExitCode.Done : ExitCode.Failed;
    }

    static string Free(string folder)
    {
        var name = folder;
        for (var i = 2; Directory.Exists(name); i++) name = $"{folder}-{i}";
        return name;
    }

    /// <summary>A file or folder that is copied beside the program.</summary>
    static string Shipped(params string[] parts)
    {
        var path = Path.Combine([AppContext.BaseDirectory, .. parts]);
        if (!File.Exists(path) && !Directory.Exists(path)) throw new AerieException($"{path}: missing from this installation.", "Build or install the program again.");
        // The shorter name where both lead to the same place: it is shown and kept in the run.
        var here = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return here.Length < path.Length ? here : path;
    }
}
