// How often each target token is supervised, and in which sample it was first: what a draft vocabulary is chosen from.
namespace Aerie.Data;

/// <summary>Counts of supervised tokens by target id. Counts of several training stages are added.</summary>
public sealed class TokenCounts
{
    readonly long[] counts;
    readonly long[] firstSample;
    long samples;

    /// <param name="targetVocabSize">Size V of the target's vocabulary; ids outside 0..V-1 are not counted.</param>
    public TokenCounts(int targetVocabSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(targetVocabSize);
        counts = new long[targetVocabSize];
        firstSample = new long[targetVocabSize];
        Array.Fill(firstSample, long.MaxValue);
    }

    /// <summary>Occurrences of each target id [V].</summary>
    public ReadOnlySpan<long> Counts => counts;

    /// <summary>For each target id the number of the sample that had it first; <see cref="long.MaxValue"/> for none.</summary>
    public ReadOnlySpan<long> FirstSample => firstSample;

    /// <summary>Size V of the target's vocabulary.</summary>
    public int TargetVocabSize => counts.Length;

    /// <summary>Sum of all counts.</summary>
    public long Total => counts.Sum();

    /// <summary>Adds one sample: its tokens where the mask is set. Neither is shifted.</summary>
    public void Add(ReadOnlySpan<int> ids, ReadOnlySpan<bool> lossMask)
    {
        if (ids.Length != lossMask.Length) throw new ArgumentException($"{ids.Length} ids, {lossMask.Length} mask values");
        for (var i = 0; i < ids.Length; i++)
        {
            if (!lossMask[i] || (uint)ids[i] >= (uint)counts.Length) continue;
            if (counts[ids[i]]++ == 0) firstSample[ids[i]] = samples;
        }
        samples++;
    }
}
