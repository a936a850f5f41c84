// The life of a drafter, in order. Start here: each stage is one call, and each call is also a verb of the command line.
//   1 regenerate   the target answers the prompts: a drafter learns from what it will have to guess
//   2 train        answers -> tokens and loss masks -> hidden states of the target -> an EAGLE-3 drafter
//   3 evaluate     held-out prompts, plainly and speculatively: acceptance, real speed, equality
//   4 export       a folder that servers load
using Aerie.Capture;
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Evaluation;
using Aerie.Export;
using Aerie.Formats;
using Aerie.Hub;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie;

/// <summary>What the pipeline is to do.</summary>
/// <param name="Target">The target's folder.</param>
/// <param name="Prompts">Prompts to learn from: conversations or bare prompts, JSON Lines.</param>
/// <param name="HeldOut">Prompts to evaluate on; never trained on.</param>
/// <param name="Output">The folder of the run; new.</param>
/// <param name="Recipe">The recipe of the training, given the folder of the regenerated answers.</param>
/// <param name="DraftTokens">Guesses of a round in the evaluation.</param>
/// <param name="MaxNewTokens">Most tokens of an answer.</param>
/// <param name="LeastConfidence">Guessing ends early where the drafter's probability of its chain falls below this; 0: never.</param>
/// <param name="HeldOutLimit">Most prompts to evaluate on, spread evenly over the domains.</param>
public sealed record PipelinePlan(string Target, string Prompts, string HeldOut, string Output, Func<string, Recipe> Recipe, int DraftTokens = 5, int MaxNewTokens = 160, int HeldOutLimit = 60, double LeastConfidence = 0);

/// <summary>The stages of a drafter's life.</summary>
public static class Pipeline
{
    /// <summary>All of them.</summary>
    /// <param name="plan">What to do.</param>
    /// <param name="say">Receives remarks and log lines.</param>
    /// <param name="progress">Receives how far it is.</param>
    /// <param name="cancellation">Asks to stop.</param>
    public static EvaluationReport Run(PipelinePlan plan, Action<string>? say = null, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        var (answers, run, export) = (Path.Combine(plan.Output, "answers"), Path.Combine(plan.Output, "run"), Path.Combine(plan.Output, "drafter"));
        Directory.CreateDirectory(plan.Output);
        using var target = ChatTarget.Load(plan.Target);

        var regenerated = Regeneration.Run(target, plan.Prompts, answers, new RegenerationOptions(plan.MaxNewTokens), progress, cancellation);
        say?.Invoke($"{regenerated.Conversations} answers, {regenerated.Tokens} tokens, {regenerated.Unfinished} cut at the limit");

        var trained = RecipeRun.Run(plan.Recipe(answers), target, say, progress, cancellation);

        var report = Evaluate(target, trained.Checkpoint, plan.HeldOut, plan.DraftTokens, plan.MaxNewTokens, plan.HeldOutLimit, plan.LeastConfidence, progress, cancellation);

        DrafterExport.Write(trained.Checkpoint, export);
        report = report with
        {
            Figures = [("trained parameters", $"{trained.Parameters:#,0}"), .. report.Figures],
            Files = [new("drafter for servers", export), new("run", run), new("answers", answers)],
            NextSteps = [$"serve it: {DrafterExport.VllmCommand(plan.Target, export, plan.DraftTokens)}", "train for your own model: aerie quickstart --target FOLDER --data FILE", $"look at the run: {Path.Combine(run, "recipe.yaml")}, {Path.Combine(run, "log.jsonl")}"],
        };
        return ReportFiles.Write(report, plan.Output);
    }

    /// <summary>Stage 3: acceptance, speed and equality on held-out prompts.</summary>
    public static EvaluationReport Evaluate(ChatTarget target, string drafterFolder, string heldOut, int draftTokens, int maxNewTokens, int limit, double leastConfidence = 0, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        using var weights = Eagle3Weights.Open(drafterFolder);
        using var drafter = new Eagle3(weights, Eagle3Use.Inference, target.Network.Embedding, target.Network.Head);
        var prompts = Spread(ConversationReader.ReadPrompts(heldOut), limit)
            .Select(c => (Conversation: c, Prompt: target.Prompt(c))).Where(p => p.Prompt is not null)
            .Select(p => new EvaluationPrompt(p.Conversation.Domain ?? "all", target.Ask(p.Prompt!, maxNewTokens, p.Conversation.Source))).ToList();
        var result = Evaluator.Run(target.Network, drafter, prompts, draftTokens, leastConfidence, progress, cancellation);
        return new EvaluationReport
        {
            Title = $"EAGLE-3 drafter for {ModelFolder.NameOf(target.Folder)}",
            Target = target.Folder,
            Drafter = drafterFolder,
            DraftTokens = draftTokens,
            Domains = result.Domains,
            PlainTokensPerSecond = result.PlainTokensPerSecond,
            SpeculativeTokensPerSecond = result.SpeculativeTokensPerSecond,
            AnswersCompared = result.Compared,
            AnswersEqual = result.Equal,
            Figures = [("machine", Machine.Look().Cpu), ("peak memory", $"{Machine.PeakMemoryBytes / 1e6:0} MB")],
        };
    }

    // The first of every domain, then the second of every domain, and so on: each keeps its share.
    static IEnumerable<Conversation> Spread(List<Conversation> all, int limit) =>
        all.GroupBy(c => c.Domain).SelectMany(group => group.Select((conversation, i) => (conversation, i))).OrderBy(c => c.i).Take(limit).Select(c => c.conversation);
}
