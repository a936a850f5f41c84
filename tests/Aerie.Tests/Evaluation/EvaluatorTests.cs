using Aerie.Decoding;
using Aerie.Drafters;
using Aerie.Evaluation;
using Aerie.Parity;
using Aerie.Targets;

namespace Aerie.Tests.Evaluation;

public sealed class EvaluatorTests
{
    [Fact]
    public void Both_ways_of_decoding_give_the_recorded_answers_and_the_counts_add_up()
    {
        var folder = new CaseFolder(Golden.Path("decoding", "greedy_eagle3"));
        using var target = Target.Load(folder.File("target"));
        using var weights = Eagle3Weights.Open(folder.File("drafter"));
        using var drafter = new Eagle3(weights, new Eagle3Use(false), target.Embedding, target.Head);
        var prompts = folder.Parameters.GetProperty("prompts").EnumerateArray().Select((p, i) => new EvaluationPrompt(i == 0 ? "a" : "b",
            new DecodingRequest(Ints(p.GetProperty("ids")), 32, Ints(p.GetProperty("stop_token_ids"))))).ToList();
        var result = Evaluator.Run(target, drafter, prompts, 3);
        var recorded = folder.Root.GetProperty("expected").GetProperty("plain_output").EnumerateArray().Sum(a => a.GetArrayLength());
        Assert.Equal((3, 3, (long)recorded), (result.Compared, result.Equal, result.Tokens));
        Assert.Equal(["a", "b"], result.Domains.Select(d => d.Name));
        Assert.Equal(recorded, result.Domains.Sum(d => d.Tokens));
        Assert.True(result.Domains.All(d => d.Tau >= 1 && d.AcceptedAt.Count == 3));
    }

    static int[] Ints(System.Text.Json.JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetInt32())];
}
