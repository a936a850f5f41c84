// How good a drafter is: every held-out prompt is answered twice by the same engine, plainly and speculatively, one right after the other, so that
// whatever else the machine does hits both. Acceptance is counted, time is taken, and the two answers are compared token by token.
using System.Diagnostics;
using Aerie.Decoding;
using Aerie.Drafters;
using Aerie.Targets;

namespace Aerie.Evaluation;

/// <summary>A prompt to be answered, and the domain that its figures count for.</summary>
public sealed record EvaluationPrompt(string Domain, DecodingRequest Request);

/// <summary>What an evaluation measured.</summary>
/// <param name="Domains">Acceptance by domain, in the order in which domains first appear.</param>
/// <param name="PlainSeconds">Time of plain decoding.</param>
/// <param name="SpeculativeSeconds">Time of speculative decoding of the same prompts.</param>
/// <param name="Tokens">Tokens that each of them wrote.</param>
/// <param name="Compared">Answers compared token by token.</param>
/// <param name="Equal">Answers that were equal.</param>
public sealed record EvaluationResult(IReadOnlyList<Acceptance> Domains, double PlainSeconds, double SpeculativeSeconds, long Tokens, int Compared, int Equal)
{
    /// <summary>Plain decoding, tokens per second.</summary>
    public double PlainTokensPerSecond => Tokens / PlainSeconds;

    /// <summary>Speculative decoding, tokens per second.</summary>
    public double SpeculativeTokensPerSecond => Tokens / SpeculativeSeconds;
}

/// <summary>Evaluates drafters.</summary>
public static class Evaluator
{
    /// <summary>Answers the prompts both ways.</summary>
    /// <param name="target">The target.</param>
    /// <param name="drafter">Its drafter.</param>
    /// <param name="prompts">Held-out prompts; at least one.</param>
    /// <param name="draftTokens">Guesses of a round.</param>
    /// <param name="leastConfidence">Guessing ends early where the drafter's probability of its chain falls below this; 0: never.</param>
    /// <param name="progress">Told after every prompt.</param>
    /// <param name="cancellation">Checked before every pass.</param>
    public static EvaluationResult Run(Target target, Eagle3 drafter, IReadOnlyList<EvaluationPrompt> prompts, int draftTokens, double leastConfidence = 0, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (prompts.Count == 0) throw new AerieException("there are no prompts to evaluate on.");
        using var plain = new GreedyDecoder(target, sequences: 1);
        using var speculative = new SpeculativeDecoder(target, drafter, draftTokens, leastConfidence: leastConfidence);
        var counts = new Dictionary<string, (int Answers, long Tokens, DraftStatistics Statistics)>();
        var (plainTime, speculativeTime, tokens, equal) = (TimeSpan.Zero, TimeSpan.Zero, 0L, 0);
        plain.Decode(prompts[0].Request, cancellation: cancellation);          // the first pass packs weights and compiles code
        speculative.Decode(prompts[0].Request, cancellation: cancellation);
        for (var i = 0; i < prompts.Count; i++)
        {
            var (domain, request) = prompts[i];
            int[] expected = [];
            SpeculativeText text = null!;
            // Who goes first alternates: warm caches help both equally.
            for (var turn = 0; turn < 2; turn++)
            {
                var start = Stopwatch.GetTimestamp();
                if ((i + turn) % 2 == 0)
                {
                    expected = plain.Decode(request, cancellation: cancellation);
                    plainTime += Stopwatch.GetElapsedTime(start);
                }
                else
                {
                    text = speculative.Decode(request, cancellation: cancellation);
                    speculativeTime += Stopwatch.GetElapsedTime(start);
                }
            }
            if (text.Tokens.AsSpan().SequenceEqual(expected)) equal++;
            tokens += expected.Length;
            var (answers, written, statistics) = counts.TryGetValue(domain, out var before) ? before : (0, 0, new DraftStatistics(draftTokens));
            statistics.Add(text.Statistics);
            counts[domain] = (answers + 1, written + expected.Length, statistics);
            progress?.Report(new("evaluate", i + 1, prompts.Count, $"{equal} of {i + 1} equal"));
        }
        var domains = counts.Select(c => new Acceptance(c.Key, c.Value.Answers, c.Value.Tokens, c.Value.Statistics.Rounds, c.Value.Statistics.AcceptedAtPosition)).ToList();
        return new(domains, plainTime.TotalSeconds, speculativeTime.TotalSeconds, tokens, prompts.Count, equal);
    }
}
