// Keys (after RoPE) and values of everything read so far, owned by whoever decodes. A sequence owns a range of rows; forgetting is shortening it.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>Rows [begin, begin + capacity) of a cache, of which the first <see cref="Length"/> hold a sequence's text.</summary>
public sealed class CachedSequence
{
    internal CachedSequence(int begin, int capacity, int slot) => (Begin, Capacity, Slot) = (begin, capacity, slot);

    internal int Begin { get; }

    /// <summary>Where its recurrent states are.</summary>
    internal int Slot { get; }

    /// <summary>Tokens that its recurrent states contain: they can be forgotten only all together.</summary>
    internal int Settled { get; set; }

    /// <summary>Tokens that it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Tokens that it holds; the next one's position.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens of the prompt that the text began with, told by whoever begins it; 0: not known. Families that turn long texts otherwise (longrope) ask for it.</summary>
    public int PromptLength { get; set; }

    /// <summary>Forgets all but the first <paramref name="length"/> tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It holds fewer, or a recurrent state cannot go back so far: only by what its cache was made for, or to 0.</exception>
    public void ShortenTo(int length)
    {
        if ((uint)length > (uint)Length) throw new ArgumentOutOfRangeException(nameof(length), length, $"the sequence holds {Length}");
        if (length == 0) Settled = 0;
        if (length < Settled) throw new ArgumentOutOfRangeException(nameof(length), length, $"the sequence holds {Length}, of which only those after {Settled} can be forgotten");
        Length = length;
    }

    internal void TakeLengthOf(CachedSequence other) => (Length, Settled, PromptLength) = (other.Length, other.Settled, other.PromptLength);

    internal void Extend(int rows) => Length = rows <= Capacity - Length ? Length + rows : throw new ArgumentOutOfRangeException(nameof(rows), rows, $"{Length} of {Capacity} rows are taken");
}

/// <summary>The keys and values of all layers: one f32 tensor [rows, keys | values] for each that has any.</summary>
public sealed class KeyValueCache : IDisposable
{
    readonly Tensor?[] layers;

    /// <param name="layerCount">Layers.</param>
    /// <param name="width">Width of the keys of one row (key-value heads · head size).</param>
    /// <param name="capacities">Rows of each sequence.</param>
    public KeyValueCache(int layerCount, int width, params ReadOnlySpan<int> capacities) : this([.. Enumerable.Repeat(2 * width, layerCount)], capacities) { }

    /// <param name="widths">Floats that each layer keeps for a token; 0: none.</param>
    /// <param name="capacities">Rows of each sequence.</param>
    public KeyValueCache(IReadOnlyList<int> widths, params ReadOnlySpan<int> capacities) : this(widths, null, capacities) { }

    internal KeyValueCache(IReadOnlyList<int> widths, RecurrentCache? recurrent, ReadOnlySpan<int> capacities)
    {
        Recurrent = recurrent;
        foreach (var capacity in capacities) Rows = checked(Rows + capacity);
        layers = new Tensor?[widths.Count];
        for (var i = 0; i < layers.Length; i++) layers[i] = widths[i] > 0 ? Tensor.Allocate(new Shape(Rows, widths[i])) : null;
        Sequences = [];
        Divide(capacities);
    }

    /// <summary>Rows of all sequences together.</summary>
    public int Rows { get; }

    /// <summary>The sequences, in the order of their capacities.</summary>
    public IReadOnlyList<CachedSequence> Sequences { get; private set; }

    /// <summary>Forgets everything and divides the rows among other sequences.</summary>
    public void Divide(params ReadOnlySpan<int> capacities)
    {
        var (at, sequences) = (0, new CachedSequence[capacities.Length]);
        for (var i = 0; i < sequences.Length; at += capacities[i++]) sequences[i] = new CachedSequence(at, capacities[i], i);
        if (at > Rows) throw new ArgumentException($"{at} rows of a cache of {Rows}");
        Recurrent?.Reserve(sequences.Length);
        Sequences = sequences;
    }

    /// <summary>Makes a sequence hold exactly what another one holds: to save it, or to bring it back.</summary>
    public void Copy(CachedSequence from, CachedSequence to)
    {
        if (from.Length > to.Capacity) throw new ArgumentException($"{from.Length} tokens into a sequence of at most {to.Capacity}");
        foreach (var layer in layers) layer?.Slice(to.Begin, from.Length).CopyFrom(layer.Slice(from.Begin, from.Length));
        Recurrent?.Copy(from.Slot, to.Slot);
        to.TakeLengthOf(from);
    }

    /// <summary>What recurrences remember; null: no layer has one.</summary>
    internal RecurrentCache? Recurrent { get; }

    internal Tensor Layer(int i) => layers[i] ?? throw new ArgumentException($"layer {i} keeps nothing of its tokens");

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var layer in layers) layer?.Dispose();
        Recurrent?.Dispose();
    }
}
