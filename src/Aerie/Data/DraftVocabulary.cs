// Which target tokens the drafter can say: d2t[i] = target id of draft id i, minus i;  t2d[v] = v is selected.
// Rules as in NeMo AutoModel, SpecForge and vLLM speculators.
namespace Aerie.Data;

/// <summary>How the tokens of a draft vocabulary are chosen from their counts.</summary>
public enum DraftVocabularyRule
{
    /// <summary>Special ids in their order, then by count (ties to the lower id), then the lowest ids; kept in that order.</summary>
    Automodel,
    /// <summary>By count (ties to the id that appeared first), then the lowest ids; sorted by id.</summary>
    SpecForge,
    /// <summary>By count (ties to the lower id), then the lowest ids; sorted by id.</summary>
    Speculators,
}

/// <summary>The draft vocabulary of a drafter: it is part of the drafter and travels in its checkpoint.</summary>
public sealed class DraftVocabulary
{
    readonly int[] selected;
    readonly long[] d2t;
    readonly bool[] t2d;

    DraftVocabulary(int[] selected, int targetVocabSize)
    {
        this.selected = selected;
        d2t = new long[selected.Length];
        t2d = new bool[targetVocabSize];
        for (var i = 0; i < selected.Length; i++)
        {
            d2t[i] = selected[i] - i;
            t2d[selected[i]] = true;
        }
    }

    /// <summary>Target id of each draft id [Vd].</summary>
    public ReadOnlySpan<int> SelectedIds => selected;

    /// <summary>Target id minus draft id, per draft id [Vd].</summary>
    public ReadOnlySpan<long> D2T => d2t;

    /// <summary>Is the target id in the draft vocabulary? [V]</summary>
    public ReadOnlySpan<bool> T2D => t2d;

    /// <summary>Size Vd of the draft vocabulary.</summary>
    public int Size => selected.Length;

    /// <summary>Size V of the target's vocabulary.</summary>
    public int TargetVocabSize => t2d.Length;

    /// <summary>Every target token, in order.</summary>
    public static DraftVocabulary Full(int targetVocabSize) => new([.. Enumerable.Range(0, targetVocabSize)], targetVocabSize);

    /// <summary>Chooses min(<paramref name="size"/>, V) tokens.</summary>
    /// <param name="counts">Supervised tokens of all stages together.</param>
    /// <param name="size">Wanted size Vd.</param>
    /// <param name="rule">Whose choice.</param>
    /// <param name="specialTokenIds">bos, eos, pad, unk, null where the tokenizer has none; used by <see cref="DraftVocabularyRule.Automodel"/> only.</param>
    public static DraftVocabulary Choose(TokenCounts counts, int size, DraftVocabularyRule rule, IEnumerable<int?>? specialTokenIds = null)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        var target = counts.TargetVocabSize;
        if (size >= target) return Full(target);
        var (count, first) = (counts.Counts.ToArray(), counts.FirstSample.ToArray());
        var all = Enumerable.Range(0, target);
        var byCount = all.Where(id => count[id] > 0).OrderByDescending(id => count[id]);
        var frequent = rule == DraftVocabularyRule.SpecForge ? byCount.ThenBy(id => first[id]).ThenBy(id => id) : byCount.ThenBy(id => id);
        var specials = rule == DraftVocabularyRule.Automodel ? (specialTokenIds ?? []).OfType<int>().Where(id => (uint)id < (uint)target) : [];
        int[] chosen = [.. specials.Concat(frequent).Concat(all).Distinct().Take(size)];
        if (rule != DraftVocabularyRule.Automodel) Array.Sort(chosen);
        return new DraftVocabulary(chosen, target);
    }

    /// <summary>The vocabulary that a checkpoint's <c>d2t</c> stands for.</summary>
    /// <exception cref="AerieException">An offset leads outside the target's vocabulary, or two draft ids to one target id.</exception>
    public static DraftVocabulary FromD2T(ReadOnlySpan<long> d2t, int targetVocabSize)
    {
        var selected = new int[d2t.Length];
        var seen = new bool[targetVocabSize];
        for (var i = 0; i < d2t.Length; i++)
        {
            var id = d2t[i] > targetVocabSize ? -1 : d2t[i] + i;
            if (id < 0 || id >= targetVocabSize) throw new AerieException($"d2t[{i}] = {d2t[i]} leads outside the target's {targetVocabSize} tokens", "The drafter belongs to another target.");
            if (seen[id]) throw new AerieException($"d2t[{i}] = {d2t[i]}: target token {id} is in the draft vocabulary twice", "The checkpoint is damaged.");
            seen[id] = true;
            selected[i] = (int)id;
        }
        return new DraftVocabulary(selected, targetVocabSize);
    }

    /// <summary>Share of the counted tokens that the drafter can say; 0 when nothing is counted.</summary>
    public double Coverage(TokenCounts counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        var covered = 0L;
        foreach (var id in selected) covered += counts.Counts[id];
        return counts.Total == 0 ? 0 : (double)covered / counts.Total;
    }
}
