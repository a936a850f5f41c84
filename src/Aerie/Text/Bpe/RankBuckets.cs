// Merges for a very long piece in time linear in its length: for each rank a list of the places where that pair begins. Where no merge
// brings up a pair of a lower rank (MergeTable.InOrder), one pass over the ranks from low to high does all of them.
namespace Aerie.Text.Bpe;

ref struct RankBuckets
{
    const int None = -1, Taken = -2;

    readonly MergeTable merges;
    readonly Span<int> symbols;
    // For each symbol: its neighbours; the rank of the pair that begins here, and the neighbours in that rank's list.
    readonly int[] next, previous, ranks, after, before;
    readonly int[] heads;

    internal RankBuckets(MergeTable merges, Span<int> symbols)
    {
        this.merges = merges;
        this.symbols = symbols;
        var count = symbols.Length;
        (next, previous, ranks, after, before) = (new int[count], new int[count], new int[count], new int[count], new int[count]);
        heads = new int[merges.Ranks];
        Array.Fill(heads, None);
        Array.Fill(ranks, MergeTable.Never);
        for (var i = 0; i < count; i++) (next[i], previous[i]) = (i + 1, i - 1);
        for (var i = count - 1; i >= 0; i--) Rank(i);
    }

    /// <summary>The symbols after all merges, in place.</summary>
    internal readonly Span<int> Merge()
    {
        var places = new List<int>();
        for (var rank = 0; rank < heads.Length; rank++)
        {
            if (heads[rank] == None) continue;
            places.Clear();
            for (var at = heads[rank]; at != None; at = after[at]) places.Add(at);
            foreach (var at in places) before[at] = Taken;
            heads[rank] = None;
            // From left to right: of overlapping pairs the first is merged.
            if (places[0] > places[^1]) places.Reverse();
            if (!Rising(places)) places.Sort();
            foreach (var at in places)
            {
                if (ranks[at] == rank) Join(at);
            }
        }
        var count = 0;
        for (var i = 0; i < symbols.Length; i = next[i]) symbols[count++] = symbols[i];
        return symbols[..count];
    }

    readonly void Join(int at)
    {
        var right = next[at];
        merges.Rank(symbols[at], symbols[right], out symbols[at]);
        Leave(right);
        ranks[right] = MergeTable.Never;
        next[at] = next[right];
        if (next[at] < symbols.Length) previous[next[at]] = at;
        if (previous[at] >= 0) Rank(previous[at]);
        Rank(at);
    }

    // Puts the pair that begins here into the list of its rank.
    readonly void Rank(int at)
    {
        Leave(at);
        var rank = next[at] < symbols.Length ? merges.Rank(symbols[at], symbols[next[at]], out _) : MergeTable.Never;
        ranks[at] = rank;
        if (rank == MergeTable.Never) return;
        (before[at], after[at]) = (None, heads[rank]);
        if (heads[rank] != None) before[heads[rank]] = at;
        heads[rank] = at;
    }

    readonly void Leave(int at)
    {
        if (ranks[at] == MergeTable.Never || before[at] == Taken) return;
        if (after[at] != None) before[after[at]] = before[at];
        if (before[at] != None) after[before[at]] = after[at];
        else heads[ranks[at]] = after[at];
    }

    static bool Rising(List<int> places)
    {
        for (var i = 1; i < places.Count; i++)
        {
            if (places[i] < places[i - 1]) return false;
        }
        return true;
    }
}
