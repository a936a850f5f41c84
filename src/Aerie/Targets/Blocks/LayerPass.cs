// What a block may know of the pass it is part of.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>One pass over some rows, at one layer.</summary>
sealed class LayerPass(IKernels kernels)
{
    Tensor intervals = null!;

    internal IKernels Kernels => kernels;

    /// <summary>The rows of the pass.</summary>
    internal PassRows Rows { get; private set; } = null!;

    /// <summary>Memory of the pass.</summary>
    internal TargetWorkspace Work { get; private set; } = null!;

    /// <summary>What sequences remember.</summary>
    internal KeyValueCache Cache { get; private set; } = null!;

    /// <summary>Positions of the rows, i32 [R].</summary>
    internal Tensor Positions { get; private set; } = null!;

    /// <summary>Where the rows' keys and values go in the cache, i32 [R].</summary>
    internal Tensor CacheRows { get; private set; } = null!;

    /// <summary>Told what each router chose: layer, logits [R, E], experts i32 [R, k], factors [R, k]. For those who look, not for those who compute.</summary>
    internal Action<int, Tensor, Tensor, Tensor>? Routed { get; set; }

    /// <summary>The layer that is computed.</summary>
    internal int Layer { get; set; }

    /// <summary>What this layer keeps of all sequences [cache rows, CacheWidth].</summary>
    internal Tensor Cached => Cache.Layer(Layer);

    /// <summary>The cache rows that each row sees, i32 [R, 2]; <paramref name="window"/> keys at most, itself included (0: all).</summary>
    internal Tensor Intervals(int window) => window > 0 ? Rows.Windowed(window) : intervals;

    /// <summary>A pass begins. Returns its token ids.</summary>
    internal Tensor Begin(PassRows rows, KeyValueCache cache, TargetWorkspace work)
    {
        (Rows, Cache, Work) = (rows, cache, work);
        (var ids, Positions, CacheRows, intervals) = rows.Upload();
        work.Begin(rows.Count);
        return ids;
    }
}
