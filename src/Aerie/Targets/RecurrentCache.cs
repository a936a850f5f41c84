// What layers with a recurrence remember of their sequences. A state cannot be run backwards, so it stands a few tokens behind: at those that can no longer be forgotten ("settled").
// The raw rows of the newer ones are kept, and run through again in front of the rows of each pass (Aerie.Tensors.RecurrentRun). So any of the last W tokens can be forgotten by forgetting
// its row, no state is ever copied, and a state is read and written once a pass, as in plain decoding. With W = 0 nothing is kept and nothing run twice.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>What a block with a recurrence needs for a sequence.</summary>
/// <param name="State">Numbers of a state.</param>
/// <param name="Raw">Numbers of a raw row.</param>
/// <param name="Lead">Raw rows before the state's position.</param>
readonly record struct RecurrentShape(int State, int Raw, int Lead);

/// <summary>States and raw rows of all sequences: for each layer that has any, f32 [sequences, State] and [sequences, Lead + W, Raw].</summary>
sealed class RecurrentCache(IReadOnlyList<RecurrentShape?> shapes, int rollback) : IDisposable
{
    readonly (Tensor State, Tensor Past)?[] layers = new (Tensor, Tensor)?[shapes.Count];
    int slots;

    /// <summary>W: tokens that can be forgotten.</summary>
    internal int Rollback => rollback;

    /// <summary>Makes room for that many sequences; what was there is lost if it was less.</summary>
    internal void Reserve(int sequences)
    {
        if (sequences <= slots) return;
        Dispose();
        slots = sequences;
        for (var i = 0; i < layers.Length; i++)
            if (shapes[i] is { } shape)
                layers[i] = (Tensor.Allocate(new Shape(slots, shape.State)), Tensor.Allocate(new Shape(slots, shape.Lead + rollback, shape.Raw)));
    }

    internal (Tensor State, Tensor Past) Layer(int i) => layers[i] ?? throw new ArgumentException($"layer {i} has no recurrence");

    /// <summary>A text begins.</summary>
    internal void Clear(int slot)
    {
        foreach (var layer in layers)
        {
            layer?.State.Slice(slot, 1).Clear();
            layer?.Past.Slice(slot, 1).Clear();
        }
    }

    internal void Copy(int from, int to)
    {
        foreach (var layer in layers)
        {
            layer?.State.Slice(to, 1).CopyFrom(layer.Value.State.Slice(from, 1));
            layer?.Past.Slice(to, 1).CopyFrom(layer.Value.Past.Slice(from, 1));
        }
    }

    public void Dispose()
    {
        foreach (var layer in layers)
        {
            layer?.State.Dispose();
            layer?.Past.Dispose();
        }
    }
}
