// What a block may know of the pass it is part of.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>One pass over some rows, at one layer.</summary>
sealed class LayerPass(IKernels kernels)
{
    Tensor intervals = null!;
    RecurrentRun[] runs = [];
    int runCount;

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

    /// <summary>What the recurrence of this layer keeps of all sequences.</summary>
    internal (Tensor State, Tensor Past) Recurrent => Cache.Recurrent!.Layer(Layer);

    /// <summary>What recurrences do in this pass.</summary>
    internal ReadOnlySpan<RecurrentRun> Runs => runs.AsSpan(0, runCount);

    /// <summary>Rows that recurrences run through: those of the pass, and before them those that can still be forgotten.</summary>
    internal int RunRows { get; private set; }

    /// <summary>Most such rows of any pass.</summary>
    internal int MostRunRows => Work.Capacity + Cache.Recurrent!.Rollback * Cache.Sequences.Count;

    /// <summary>A pass begins. Returns its token ids.</summary>
    internal Tensor Begin(PassRows rows, KeyValueCache cache, TargetWorkspace work)
    {
        (Rows, Cache, Work) = (rows, cache, work);
        (var ids, Positions, CacheRows, intervals) = rows.Upload();
        work.Begin(rows.Count);
        if (cache.Recurrent is { } recurrent) BeginRuns(recurrent);
        return ids;
    }

    void BeginRuns(RecurrentCache recurrent)
    {
        (RunRows, runCount) = (0, Rows.Parts.Count);
        if (runs.Length < runCount) runs = new RecurrentRun[runCount];
        for (var i = 0; i < runCount; i++)
        {
            var (sequence, first, count, length) = Rows.Parts[i];
            if (length + count != sequence.Length) throw new ArgumentException("a sequence is twice in a pass");
            if (length == 0) recurrent.Clear(sequence.Slot);
            var kept = length - sequence.Settled;
            var settled = Math.Max(0, kept + count - recurrent.Rollback);
            runs[i] = new(sequence.Slot, first, count, kept, settled, RunRows);
            RunRows += kept + count;
            sequence.Settled += settled;
        }
    }
}
