// The rows of one pass: tokens of one or several sequences, each at its position, with the cache rows that it may see. That interval says all there is
// to say about masks: causal, per sequence, per document.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>The rows of a sequence in a pass, and how long its text was before.</summary>
readonly record struct PassPart(CachedSequence Sequence, int First, int Count, int Length);

/// <summary>Tokens to be read together. Used again and again: nothing is allocated once the largest pass was seen.</summary>
public sealed class PassRows : IDisposable
{
    readonly Tensor ids, positions, cacheRows, intervals;
    readonly int[] hostIds, hostPositions, hostCacheRows, hostIntervals, hostPrompts;
    readonly (Tensor Ids, Tensor Positions, Tensor CacheRows, Tensor Intervals)?[] views;
    readonly List<PassPart> parts = [];
    Activation? windowed, tableRows;
    int[] hostWindowed = [], hostTableRows = [];
    int windowedBy;                                           // the window that they hold in this pass; -1: none
    (int ShortLength, int FirstLong) tableRowsBy;            // the shape of table that they are of; -1: none

    /// <param name="capacity">Most rows of a pass.</param>
    public PassRows(int capacity)
    {
        Tensor New(Shape shape) => Tensor.Allocate(shape, DType.I32);
        (ids, positions, cacheRows, intervals) = (New(new(capacity)), New(new(capacity)), New(new(capacity)), New(new(capacity, 2)));
        (hostIds, hostPositions, hostCacheRows, hostIntervals, hostPrompts) = (new int[capacity], new int[capacity], new int[capacity], new int[2 * capacity], new int[capacity]);
        views = new (Tensor, Tensor, Tensor, Tensor)?[capacity + 1];
    }

    /// <summary>Most rows.</summary>
    public int Capacity => hostIds.Length;

    /// <summary>Rows so far.</summary>
    public int Count { get; private set; }

    /// <summary>One more than the largest position.</summary>
    public int Positions { get; private set; }

    /// <summary>Begins an empty pass.</summary>
    public void Clear()
    {
        (Count, Positions) = (0, 0);
        parts.Clear();
    }

    /// <summary>What the sequences have of the pass, in order.</summary>
    internal IReadOnlyList<PassPart> Parts => parts;

    /// <summary>Appends tokens to a sequence: the sequence grows by them, and each sees all before it and itself.</summary>
    /// <param name="sequence">Where keys and values go.</param>
    /// <param name="tokens">Token ids.</param>
    /// <param name="window">Keys that a row sees, itself included (sliding window); 0: all.</param>
    /// <returns>The row of the first token in this pass.</returns>
    public int Add(CachedSequence sequence, ReadOnlySpan<int> tokens, int window = 0)
    {
        if (tokens.Length > Capacity - Count) throw new ArgumentException($"{Count} + {tokens.Length} rows in a pass of at most {Capacity}");
        var first = Count;
        var length = sequence.Length;
        sequence.Extend(tokens.Length);
        parts.Add(new(sequence, first, tokens.Length, length));
        for (var i = 0; i < tokens.Length; i++, Count++)
        {
            var row = sequence.Begin + length + i;
            hostIds[Count] = tokens[i];
            hostPositions[Count] = length + i;
            hostPrompts[Count] = sequence.PromptLength;
            hostCacheRows[Count] = row;
            hostIntervals[2 * Count] = window > 0 ? Math.Max(sequence.Begin, row + 1 - window) : sequence.Begin;
            hostIntervals[2 * Count + 1] = row + 1;
            Positions = Math.Max(Positions, hostPositions[Count] + 1);
        }
        return first;
    }

    /// <summary>The pass as tensors of its row count.</summary>
    internal (Tensor Ids, Tensor Positions, Tensor CacheRows, Tensor Intervals) Upload()
    {
        var view = views[Count] ??= (ids.Slice(0, Count), positions.Slice(0, Count), cacheRows.Slice(0, Count), intervals.Slice(0, Count));
        (windowedBy, tableRowsBy) = (-1, (-1, -1));
        view.Ids.CopyFrom(hostIds.AsSpan(0, Count));
        view.Positions.CopyFrom(hostPositions.AsSpan(0, Count));
        view.CacheRows.CopyFrom(hostCacheRows.AsSpan(0, Count));
        view.Intervals.CopyFrom(hostIntervals.AsSpan(0, 2 * Count));
        return view;
    }

    /// <summary>The intervals of layers whose rows see that many keys, itself included.</summary>
    internal Tensor Windowed(int window)
    {
        if (windowedBy == window) return windowed![Count];
        windowedBy = window;
        windowed ??= new(Capacity, 2, DType.I32);
        if (hostWindowed.Length == 0) hostWindowed = new int[2 * Capacity];
        for (var i = 0; i < Count; i++) (hostWindowed[2 * i], hostWindowed[2 * i + 1]) = (Math.Max(hostIntervals[2 * i], hostCacheRows[i] + 1 - window), hostIntervals[2 * i + 1]);
        windowed[Count].CopyFrom(hostWindowed.AsSpan(0, 2 * Count));
        return windowed[Count];
    }

    /// <summary>The row of a table of angles for each row of the pass, i32 [R].</summary>
    internal Tensor TableRows(RotaryTable table)
    {
        if (table.ShortLength == 0) return views[Count]!.Value.Positions;
        if (tableRowsBy == (table.ShortLength, table.Row(0, true))) return tableRows![Count];
        tableRowsBy = (table.ShortLength, table.Row(0, true));
        tableRows ??= new(Capacity, 1, DType.I32);
        if (hostTableRows.Length == 0) hostTableRows = new int[Capacity];
        for (var i = 0; i < Count; i++) hostTableRows[i] = table.Row(hostPositions[i], table.IsLong(hostPrompts[i], hostPositions[i]));
        tableRows[Count].CopyFrom(hostTableRows.AsSpan(0, Count));
        return tableRows[Count];
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        windowed?.Dispose();
        tableRows?.Dispose();
        foreach (var tensor in (Tensor[])[ids, positions, cacheRows, intervals]) tensor.Dispose();
    }
}
