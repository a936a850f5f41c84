// How drafting went: rounds, and how many guesses each accepted. Rounds count whole, also where the output was cut in the last one.
namespace Aerie.Decoding;

/// <summary>Counts of propose-verify-accept rounds.</summary>
/// <param name="draftTokens">Most guesses of a round.</param>
public sealed class DraftStatistics(int draftTokens)
{
    readonly long[] acceptedAt = new long[draftTokens];

    /// <summary>Rounds: target passes that verified guesses.</summary>
    public long Rounds { get; private set; }

    /// <summary>Guesses.</summary>
    public long Proposed { get; private set; }

    /// <summary>Accepted guesses.</summary>
    public long Accepted { get; private set; }

    /// <summary>Rounds in which more than j guesses were accepted.</summary>
    public IReadOnlyList<long> AcceptedAtPosition => acceptedAt;

    /// <summary>Acceptance length: tokens of a target pass, bonus token included; 1 where there were no rounds.</summary>
    public double Tau => Rounds == 0 ? 1 : 1 + (double)Accepted / Rounds;

    /// <summary>Counts one round.</summary>
    public void Add(int accepted, int proposed)
    {
        Rounds++;
        Proposed += proposed;
        Accepted += accepted;
        for (var j = 0; j < accepted; j++) acceptedAt[j]++;
    }

    /// <summary>Adds another's counts.</summary>
    public void Add(DraftStatistics other)
    {
        Rounds += other.Rounds;
        Proposed += other.Proposed;
        Accepted += other.Accepted;
        for (var j = 0; j < acceptedAt.Length; j++) acceptedAt[j] += other.acceptedAt[j];
    }
}
