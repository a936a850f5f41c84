// Keys (after RoPE) and values of everything read so far, owned by whoever decodes. A sequence owns a range of rows; forgetting is shortening it.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>Rows [begin, begin + capacity) of a cache, of which the first <see cref="Length"/> hold a sequence's text.</summary>
public sealed class CachedSequence
{
    internal CachedSequence(int begin, int capacity) => (Begin, Capacity) = (begin, capacity);

    internal int Begin { get; }

    /// <summary>Tokens that it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Tokens that it holds; the next one's position.</summary>
    public int Length { get; private set; }

    /// <summary>Tokens of the prompt that the text began with, told by whoever begins it; 0: not known. Families that turn long texts otherwise (longrope) ask for it.</summary>
    public int PromptLength { get; set; }

    /// <summary>Forgets all but the first <paramref name="length"/> tokens.</summary>
    public void ShortenTo(int length) => Length = (uint)length <= (uint)Length ? length : throw new ArgumentOutOfRangeException(nameof(length), length, $"the sequence holds {Length}");

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
    public KeyValueCache(IReadOnlyList<int> widths, params ReadOnlySpan<int> capacities)
    {
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
        for (var i = 0; i < sequences.Length; at += capacities[i++]) sequences[i] = new CachedSequence(at, capacities[i]);
        if (at > Rows) throw new ArgumentException($"{at} rows of a cache of {Rows}");
        Sequences = sequences;
    }

    internal Tensor Layer(int i) => layers[i] ?? throw new ArgumentException($"layer {i} keeps nothing of its tokens");

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var layer in layers) layer?.Dispose();
    }
}
