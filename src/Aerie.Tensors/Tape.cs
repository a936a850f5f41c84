// The tape is a stack of closures run in reverse (micrograd's idea). Each op records how its output's gradient flows to its inputs;
// after that closure ran, nobody needs the output or its gradient any more and both go back to the arena.
namespace Aerie.Tensors;

/// <summary>One forward pass and its gradients. Not thread-safe; the kernels are parallel inside.</summary>
public sealed unsafe class Tape : IDisposable
{
    readonly Arena arena;
    readonly bool ownsArena;
    readonly List<(Tensor Output, bool InPlace, Action Backward)> steps = [];
    readonly HashSet<nint> retained = [];

    /// <param name="record">False: forward only (frozen targets, evaluation); nothing is kept for a backward pass.</param>
    public Tape(IKernels kernels, Arena? arena = null, bool record = true)
    {
        (Kernels, Recording) = (kernels, record);
        (this.arena, ownsArena) = arena is null ? (new Arena(), true) : (arena, false);
    }

    public IKernels Kernels { get; }
    public bool Recording { get; }
    public Arena Arena => arena;

    /// <summary>Memory of this step, not cleared.</summary>
    public Tensor New(Shape shape, DType dtype = DType.F32) => Tensor.Over(arena.Rent(shape.Count * dtype.Size()), shape, dtype);

    public Tensor New(int rows, int cols, DType dtype = DType.F32) => New(new Shape(rows, cols), dtype);

    public Tensor NewZeroed(Shape shape, DType dtype = DType.F32)
    {
        var tensor = New(shape, dtype);
        tensor.Clear();
        return tensor;
    }

    /// <summary>Host values as a tensor of this step.</summary>
    public Tensor New(ReadOnlySpan<int> values)
    {
        var tensor = New(new Shape(values.Length), DType.I32);
        tensor.CopyFrom(values);
        return tensor;
    }

    public Tensor New(ReadOnlySpan<float> values, Shape shape)
    {
        var tensor = New(shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>Gives a tensor of <see cref="New(Shape, DType)"/> back before the step ends. Only tensors that no recorded closure reads.</summary>
    public void Free(Tensor tensor) => arena.Return(tensor.Address, tensor.Bytes);

    /// <summary>Gives the value of an op's output back before backward, where nobody reads it any more: what consumed it has its gradient already
    /// (a loss), and its own op does not need it (norms, products, sums).</summary>
    public void Discard(Tensor output)
    {
        Check.That(!output.Discarded, $"{output} was given back before");
        output.Discarded = true;
        Free(output);
    }

    /// <summary>Keeps a tensor's value (and gradient) until the step ends, also when backward is done with it.</summary>
    public Tensor Retain(Tensor tensor)
    {
        retained.Add((nint)tensor.Address);
        return tensor;
    }

    /// <summary>Records how to go back from <paramref name="output"/>. Runs only if its gradient was asked for by somebody later.</summary>
    internal void Record(Tensor output, Action backward)
    {
        if (!Recording) return;
        output.NeedsGradient = true;
        steps.Add((output, false, backward));
    }

    /// <summary>Records the backward of an op that worked in place: it turns the gradient of its output into that of its input.</summary>
    internal void RecordInPlace(Tensor output, Action backward)
    {
        if (Recording) steps.Add((output, true, backward));
    }

    /// <summary>The gradient of an activation, for reading: what its consumers accumulated.</summary>
    internal static Tensor GradientOf(Tensor tensor) => tensor.Gradient ?? throw new InvalidOperationException($"no gradient reached {tensor}");

    /// <summary>The gradient of an activation, for writing. <paramref name="accumulate"/> is false for the first writer, which overwrites.</summary>
    internal Tensor GradientFor(Tensor tensor, out bool accumulate)
    {
        accumulate = tensor.Gradient is not null;
        return tensor.Gradient ??= New(tensor.Shape);
    }

    /// <summary>The gradient of an activation, cleared if nobody wrote yet: for ops that scatter.</summary>
    internal Tensor GradientZeroed(Tensor tensor)
    {
        var gradient = GradientFor(tensor, out var accumulate);
        if (!accumulate) gradient.Clear();
        return gradient;
    }

    /// <summary>tensor's gradient += gradient.</summary>
    internal void AddGradient(Tensor tensor, Tensor gradient)
    {
        var into = GradientFor(tensor, out var accumulate);
        if (accumulate) Kernels.Add(into, gradient, into);
        else into.CopyFrom(gradient);
    }

    /// <summary>Adds the gradient of <paramref name="output"/>, which nobody needs after that, to that of <paramref name="input"/>: the first to come hands over its memory.</summary>
    internal void PassGradient(Tensor output, Tensor input)
    {
        if (input.Gradient is null && !retained.Contains((nint)output.Address)) (input.Gradient, output.Gradient) = (output.Gradient, null);
        else AddGradient(input, GradientOf(output));
    }

    /// <summary>Runs all closures in reverse. Losses seed their own gradients (they know their weights), so there is nothing to pass.</summary>
    public void Backward()
    {
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var (output, inPlace, backward) = steps[i];
            if (output.Gradient is not null) backward();
            if (inPlace || retained.Contains((nint)output.Address)) continue;
            if (output.Gradient is { } gradient) Free(gradient);
            output.Gradient = null;
            if (!output.Discarded) Free(output);
        }
        steps.Clear();
    }

    /// <summary>Ends the step: all memory of <see cref="New(Shape, DType)"/> goes back.</summary>
    public void Reset()
    {
        steps.Clear();
        retained.Clear();
        arena.Reset();
    }

    public void Dispose()
    {
        if (ownsArena) arena.Dispose();
        else arena.Reset();
    }
}
