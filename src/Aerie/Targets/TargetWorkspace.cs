// The memory of a pass: a buffer for each quantity that some block asks for, made at the first pass for the largest one, used again by every layer and every pass.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>The quantities of a pass. Two that live at the same time need two names; the same name may have several widths.</summary>
enum Scratch
{
    Residual, Normed, Scale, BlockOutput, BlockOutputNormed, QueryKeyValue, Attended, GateUp, Activated, Projected, Convolved, Scanned, HeadIndex, HeadRows, HeadNormed, HeadScale, Logits, Best,
    RouterLogits, RouterChoice, RouterFactors, Latent, ExpertHidden, ExpertActivated, ExpertOutput,
    QueryLatent, KeyLatent, Absorbed, Values,
}

/// <summary>Activations of passes of at most <see cref="Capacity"/> rows. One pass at a time.</summary>
public sealed class TargetWorkspace : IDisposable
{
    readonly Dictionary<(Scratch Name, int Cols), Activation> buffers = [];
    readonly Dictionary<(int Experts, int Each), RowGroups> groups = [];
    int rows;

    /// <param name="capacity">Most rows of a pass.</param>
    /// <param name="logitRows">Most rows of which logits are computed at once.</param>
    public TargetWorkspace(int capacity, int logitRows) => (Capacity, LogitRows) = (capacity, logitRows);

    /// <summary>Most rows of a pass.</summary>
    public int Capacity { get; }

    /// <summary>Most rows of which logits are computed at once.</summary>
    public int LogitRows { get; }

    internal void Begin(int rowCount) => rows = rowCount;

    /// <summary>A buffer with a row for each row of the pass.</summary>
    internal Tensor Rows(Scratch name, int cols) => Buffer(name, cols, Capacity)[rows];

    /// <summary>A buffer of its own number of rows, at most <paramref name="capacity"/>; made anew where that has grown.</summary>
    internal Tensor Some(Scratch name, int count, int capacity, int cols, DType dtype = DType.F32) => Buffer(name, cols, capacity, dtype)[count];

    /// <summary>A buffer [rows · <paramref name="each"/>, cols], a matrix even where it has one column.</summary>
    internal Tensor Matrix(Scratch name, int rows, int each, int cols, DType dtype = DType.F32)
    {
        var tensor = Some(name, rows * each, Capacity * each, cols, dtype);
        return cols > 1 ? tensor : tensor.Reshape(new Shape(rows * each, 1));
    }

    /// <summary>Where the rows of a pass are sorted by the experts that they see.</summary>
    internal RowGroups Groups(int experts, int each)
    {
        if (!groups.TryGetValue((experts, each), out var found)) groups.Add((experts, each), found = new RowGroups(experts, Capacity, each));
        return found;
    }

    internal (Tensor Index, Tensor Picked, Tensor Normed, Tensor Scale, Tensor Logits) HeadRows(int count, int hidden, int vocabulary)
        => (Some(Scratch.HeadIndex, count, LogitRows, 1, DType.I32), Some(Scratch.HeadRows, count, LogitRows, hidden), Some(Scratch.HeadNormed, count, LogitRows, hidden),
            Some(Scratch.HeadScale, count, LogitRows, 1), Some(Scratch.Logits, count, LogitRows, vocabulary));

    internal Tensor Best(int count) => Some(Scratch.Best, count, LogitRows, 1, DType.I32);

    Activation Buffer(Scratch name, int cols, int capacity, DType dtype = DType.F32)
    {
        if (buffers.TryGetValue((name, cols), out var buffer) && buffer.Capacity >= capacity) return buffer;
        buffer?.Dispose();
        buffers[(name, cols)] = buffer = new Activation(capacity, cols, dtype);
        return buffer;
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var buffer in buffers.Values) buffer.Dispose();
        foreach (var sorted in groups.Values) sorted.Dispose();
        buffers.Clear();
        groups.Clear();
    }
}
