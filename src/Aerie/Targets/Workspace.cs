// Activations of a network that runs without a tape: one buffer per quantity for the largest pass, seen at the row count of each pass. Views are kept,
// so that a pass allocates nothing.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>A buffer [capacity, cols] whose first rows are used.</summary>
sealed class Activation : IDisposable
{
    readonly Tensor buffer;
    readonly Tensor?[] views;

    internal Activation(int capacity, int cols, DType dtype = DType.F32)
    {
        buffer = Tensor.Allocate(cols == 1 ? new Shape(capacity) : new Shape(capacity, cols), dtype);
        views = new Tensor?[capacity + 1];
    }

    internal int Capacity => views.Length - 1;

    /// <summary>The first rows.</summary>
    internal Tensor this[int rows] => views[rows] ??= buffer.Slice(0, rows);

    /// <summary>Some rows further down; a new object each time.</summary>
    internal Tensor At(int begin, int rows) => begin == 0 ? this[rows] : buffer.Slice(begin, rows);

    public void Dispose() => buffer.Dispose();
}
