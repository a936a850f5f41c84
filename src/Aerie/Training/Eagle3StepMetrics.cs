// The figures of one step, counted in integers. Definitions as in the field:
//   tau_sim = 1 + Σ_k prefix_hits / max(1, prefix_valid)        (AutoModel; a chain counts as far as every depth is supervised text)
//   simulated acceptance length = Σ_k Π_{i<=k} correct_i / counted_i        (SpecForge; no bonus token)
namespace Aerie.Training;

/// <summary>What one EAGLE-3 step computed. Lists have one entry for each TTT step.</summary>
public sealed record Eagle3StepMetrics
{
    /// <summary>The loss that was minimised.</summary>
    public required double Loss { get; init; }

    /// <summary>Loss of each step, before weighting.</summary>
    public required IReadOnlyList<double> StepLosses { get; init; }

    /// <summary>Mean over supervised slots of Σ min(p, q).</summary>
    public required IReadOnlyList<double> Acceptance { get; init; }

    /// <summary>Supervised slots.</summary>
    public required IReadOnlyList<long> StepValid { get; init; }

    /// <summary>Slots that the masks let through, out-of-vocabulary targets included.</summary>
    public required IReadOnlyList<long> StepCounted { get; init; }

    /// <summary>Slots whose drafted token is the target's.</summary>
    public required IReadOnlyList<long> StepCorrect { get; init; }

    /// <summary>Chains that hit at every depth so far.</summary>
    public required IReadOnlyList<long> PrefixHits { get; init; }

    /// <summary>Chains that are supervised text at every depth so far.</summary>
    public required IReadOnlyList<long> PrefixValid { get; init; }

    /// <summary>Hits per supervised slot (AutoModel), or per slot that the masks let through.</summary>
    public required IReadOnlyList<double> StepAccuracy { get; init; }

    /// <summary>All supervised slots of all steps.</summary>
    public long ValidTokens => StepValid.Sum();

    /// <summary>Hits per supervised slot, all steps together.</summary>
    public double Accuracy => (double)StepCorrect.Sum() / Math.Max(1, ValidTokens);

    /// <summary>Simulated acceptance length, bonus token included.</summary>
    public double SimulatedTau => 1 + PrefixHits.Zip(PrefixValid, (hits, valid) => (double)hits / Math.Max(1, valid)).Sum();

    /// <summary>SpecForge's simulated acceptance length.</summary>
    public double SimulatedAcceptanceLength
    {
        get
        {
            double product = 1, sum = 0;
            for (var k = 0; k < StepCorrect.Count; k++) sum += product *= (double)StepCorrect[k] / Math.Max(1, StepCounted[k]);
            return sum;
        }
    }

    /// <summary>The figures of several batches as one: counts are added, losses and acceptances are means (as the window of an update averages them).</summary>
    public static Eagle3StepMetrics Together(IReadOnlyList<Eagle3StepMetrics> parts)
    {
        ArgumentOutOfRangeException.ThrowIfZero(parts.Count);
        return new()
        {
            Loss = parts.Average(p => p.Loss),
            StepLosses = Each(p => p.StepLosses, x => x.Average()),
            Acceptance = Each(p => p.Acceptance, x => x.Average()),
            StepAccuracy = Each(p => p.StepAccuracy, x => x.Average()),
            StepValid = Each(p => p.StepValid, x => x.Sum()),
            StepCounted = Each(p => p.StepCounted, x => x.Sum()),
            StepCorrect = Each(p => p.StepCorrect, x => x.Sum()),
            PrefixHits = Each(p => p.PrefixHits, x => x.Sum()),
            PrefixValid = Each(p => p.PrefixValid, x => x.Sum()),
        };

        T[] Each<T>(Func<Eagle3StepMetrics, IReadOnlyList<T>> of, Func<IEnumerable<T>, T> merge)
            => [.. Enumerable.Range(0, of(parts[0]).Count).Select(k => merge(parts.Select(p => of(p)[k])))];
    }
}
