// The loops over attention's items: many query rows go block by block; few rows against many keys spread their key blocks over the threads.
using Aerie.Tensors.Cpu.Attention;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    const long GradientBytes = 64 << 20;

    public void Attention(HeadLayout layout, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, Tensor y, Tensor? logSumExp, Tensor? sinks = null)
    {
        Check.That(sinks is null || sinks.Count == layout.Heads, $"{sinks} for {layout.Heads} heads");
        if (q.Rows == 0) return;
        var (group, d) = (layout.Heads / layout.KeyHeads, layout.HeadSize);
        var at = AttentionScratch.OfCall(AttentionScratch.Bytes<AttentionRows>(q.Rows) + AttentionScratch.Bytes<AttentionChain>(chain.Length));
        var runs = AttentionScratch.Carve<AttentionRows>(ref at, q.Rows);
        var raw = AttentionScratch.Carve<AttentionChain>(ref at, chain.Length);
        var runCount = AttentionPlan.Runs(intervals, q.Rows, k.Rows, Math.Max(1, AttentionBlock.Rows / group), runs);
        AttentionPlan.Chain(layout, chain, q.Rows, [], raw);
        var loop = new AttentionForward<V>
        {
            Q = q.Floats + layout.QueryColumn, K = k.Floats + layout.KeyColumn, V_ = v.Floats + layout.ValueColumn, Y = y.Floats,
            LogSumExp = logSumExp is null ? null : logSumExp.Floats,
            QRow = q.Cols, KRow = k.Cols, VRow = v.Cols, YRow = y.Cols, Intervals = (int*)intervals.Address,
            Heads = layout.Heads, KeyHeads = layout.KeyHeads, D = d, Scale = layout.Scale, Cap = layout.SoftCap, Sinks = sinks is null ? null : sinks.Floats,
            Blocks = runs, BlockCount = runCount, Chain = raw, ChainCount = chain.Length, Splits = 1,
        };

        long partials = 0;
        var longest = 0;
        for (var i = 0; i < runCount; i++)
        {
            runs[i].Partials = partials;
            partials += runs[i].BlockCount * layout.KeyHeads * AttentionForward<V>.PartialFloats(runs[i].Count * group, d);
            longest = Math.Max(longest, runs[i].BlockCount);
        }
        var items = runCount * layout.KeyHeads;
        var splits = Threads.Count == 1 || items >= 3 * Threads.Count ? 1 : Math.Min(longest / 4, (4 * Threads.Count + items - 1) / items);
        if (splits > 1)
        {
            loop.Splits = splits;
            loop.Partials = (float*)AttentionScratch.OfPartials(partials * sizeof(float));
            Threads.For(items * splits, ref loop);
            (loop.Splits, loop.Merging) = (1, true);
        }
        Threads.For(items, ref loop);
    }

    public void AttentionBackward(HeadLayout layout, Tensor dy, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain,
        Tensor y, Tensor logSumExp, Tensor dq, Tensor dk, Tensor dv, ReadOnlySpan<Tensor> chainGradients)
    {
        Check.That(layout.SoftCap == 0, $"scores capped at {layout.SoftCap} have no backward pass");
        if (q.Rows == 0) return;
        var at = AttentionScratch.OfCall(AttentionScratch.Bytes<AttentionRows>(q.Rows) + AttentionScratch.Bytes<AttentionChain>(chain.Length));
        var runs = AttentionScratch.Carve<AttentionRows>(ref at, q.Rows);
        var raw = AttentionScratch.Carve<AttentionChain>(ref at, chain.Length);
        AttentionPlan.Chain(layout, chain, q.Rows, chainGradients, raw);
        var loop = new AttentionBackward<V>
        {
            Q = q.Floats + layout.QueryColumn, K = k.Floats + layout.KeyColumn, V_ = v.Floats + layout.ValueColumn, Dy = dy.Floats, Y = y.Floats,
            LogSumExp = logSumExp.Floats, Dq = dq.Floats + layout.QueryColumn, Dk = dk.Floats + layout.KeyColumn, Dv = dv.Floats + layout.ValueColumn,
            QRow = q.Cols, KRow = k.Cols, VRow = v.Cols, YRow = y.Cols, DqRow = dq.Cols, DkRow = dk.Cols, DvRow = dv.Cols,
            Intervals = (int*)intervals.Address, Heads = layout.Heads, Group = layout.Heads / layout.KeyHeads, D = layout.HeadSize,
            QueryRows = q.Rows, KeyRows = k.Rows, Scale = layout.Scale,
            Runs = runs, RunCount = AttentionPlan.Runs(intervals, q.Rows, k.Rows, AttentionBackward<V>.Rows, runs),
        };

        // A wave of key heads at a time, so that the query heads' own dk and dv stay within some tens of megabytes.
        var groupBytes = AttentionBackward<V>.HeadFloats(k.Rows, loop.D) * loop.Group * sizeof(float);
        var wave = (int)Math.Clamp(GradientBytes / Math.Max(1, groupBytes), 1, layout.KeyHeads);
        loop.HeadGradients = (float*)AttentionScratch.OfPartials(wave * groupBytes);
        for (var first = 0; first < layout.KeyHeads; first += wave)
        {
            var heads = Math.Min(wave, layout.KeyHeads - first);
            loop.FirstHead = first * loop.Group;
            loop.Joining = false;
            Threads.For(heads * loop.Group, ref loop);
            loop.Joining = true;
            Threads.For(heads * loop.KeyBlocks, ref loop, 4);
        }
        if (chain.Length == 0) return;
        var chains = new AttentionBackward<V>.Chains { Call = loop, Chain = raw, ChainCount = chain.Length };
        Threads.For(layout.KeyHeads, ref chains);
    }
}
