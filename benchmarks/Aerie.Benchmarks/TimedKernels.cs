// Kernels with a stopwatch around each.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aerie.Tensors;

namespace Aerie.Benchmarks;

sealed class TimedKernels(IKernels kernels) : IKernels
{
    public Dictionary<string, long> Ticks { get; } = [];

    public long Restart()
    {
        Ticks.Clear();
        return Stopwatch.GetTimestamp();
    }

    public string Name => kernels.Name;

    readonly ref struct Timer(Dictionary<string, long> totals, string name)
    {
        readonly long start = Stopwatch.GetTimestamp();
        public void Dispose() => CollectionsMarshal.GetValueRefOrAddDefault(totals, name, out _) += Stopwatch.GetTimestamp() - start;
    }

    Timer Time([CallerMemberName] string name = "") => new(Ticks, name);

    public void Prepare(Columns w) => kernels.Prepare(w);
    public void Linear(Tensor x, Columns w, Tensor? bias, Tensor y, bool accumulate) { using var t = Time(); kernels.Linear(x, w, bias, y, accumulate); }
    public void LinearBackwardInput(Tensor dy, Columns w, Tensor dx, bool accumulate) { using var t = Time(); kernels.LinearBackwardInput(dy, w, dx, accumulate); }
    public void LinearBackwardWeight(Tensor dy, Tensor x, Columns w, Tensor? dbias) { using var t = Time(); kernels.LinearBackwardWeight(dy, x, w, dbias); }
    public void Add(Tensor a, Tensor b, Tensor y) { using var t = Time(); kernels.Add(a, b, y); }
    public void Scale(Tensor x, float factor) { using var t = Time(); kernels.Scale(x, factor); }
    public void AddScaled(Tensor x, float factor, Tensor y) { using var t = Time(); kernels.AddScaled(x, factor, y); }
    public void SoftCap(Tensor x, float cap) { using var t = Time(); kernels.SoftCap(x, cap); }
    public void GatherRows(Tensor x, Tensor rows, Tensor y, bool accumulate) { using var t = Time(); kernels.GatherRows(x, rows, y, accumulate); }
    public void ScatterAddRows(Tensor y, Tensor rows, Tensor x) { using var t = Time(); kernels.ScatterAddRows(y, rows, x); }
    public void Embedding(Tensor table, Tensor ids, Tensor y) { using var t = Time(); kernels.Embedding(table, ids, y); }
    public void EmbeddingBackward(Tensor dy, Tensor ids, Tensor dtable, int paddingId) { using var t = Time(); kernels.EmbeddingBackward(dy, ids, dtable, paddingId); }
    public void RmsNorm(Tensor x, Tensor w, float eps, Tensor y, Tensor scale) { using var t = Time(); kernels.RmsNorm(x, w, eps, y, scale); }
    public void HeadNorm(Tensor x, int column, int heads, Tensor w, float eps) { using var t = Time(); kernels.HeadNorm(x, column, heads, w, eps); }
    public void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse) { using var t = Time(); kernels.Rope(x, column, heads, table, positions, inverse); }
    public void SwiGlu(Tensor gateUp, Tensor y) { using var t = Time(); kernels.SwiGlu(gateUp, y); }
    public void GatedUnit(Gate gate, Tensor gateUp, Tensor y) { using var t = Time(); kernels.GatedUnit(gate, gateUp, y); }
    public void SquaredRelu(Tensor x, Tensor y) { using var t = Time(); kernels.SquaredRelu(x, y); }
    public void SwiGluBackward(Tensor dy, Tensor gateUp, Tensor dgateUp, bool accumulate) { using var t = Time(); kernels.SwiGluBackward(dy, gateUp, dgateUp, accumulate); }
    public void Argmax(Tensor logits, Tensor ids) { using var t = Time(); kernels.Argmax(logits, ids); }
    public void Confidence(Tensor logits, Tensor ids, Tensor probabilities) { using var t = Time(); kernels.Confidence(logits, ids, probabilities); }
    public double SumOfSquares(Tensor x) { using var t = Time(); return kernels.SumOfSquares(x); }
    public void CopyColumns(Tensor x, int xColumn, int count, Tensor y, int yColumn, Tensor? rows) { using var t = Time(); kernels.CopyColumns(x, xColumn, count, y, yColumn, rows); }

    public void Route(Tensor logits, Tensor? bias, RouteRule rule, Tensor experts, Tensor factors) { using var t = Time(); kernels.Route(logits, bias, rule, experts, factors); }
    public void AddExperts(Tensor y, RowGroups groups, Tensor factors, Tensor to) { using var t = Time(); kernels.AddExperts(y, groups, factors, to); }

    public void ExpertLinear(Tensor x, RowGroups groups, bool gather, IReadOnlyList<Parameter> weights, Tensor? bias, Tensor y)
    {
        using var t = Time();
        kernels.ExpertLinear(x, groups, gather, weights, bias, y);
    }

    public void CopyHeads(Tensor x, int xColumn, int xStride, int count, int heads, Tensor y, int yColumn, int yStride)
    {
        using var t = Time();
        kernels.CopyHeads(x, xColumn, xStride, count, heads, y, yColumn, yStride);
    }

    public void HeadLinear(Tensor x, int xColumn, int xStride, IReadOnlyList<Parameter> weights, Tensor y, int yColumn, int yStride)
    {
        using var t = Time();
        kernels.HeadLinear(x, xColumn, xStride, weights, y, yColumn, yStride);
    }

    public void CausalConv(Tensor x, int column, Tensor past, ReadOnlySpan<RecurrentRun> runs, Tensor taps, Tensor? bias, Tensor y) { using var t = Time(); kernels.CausalConv(x, column, past, runs, taps, bias, y); }
    public void GatedGroupNorm(Tensor x, Tensor z, int column, int groups, Tensor w, float eps, Tensor y) { using var t = Time(); kernels.GatedGroupNorm(x, z, column, groups, w, eps, y); }

    public void SelectiveScan(ScanLayout layout, Tensor x, Tensor aLog, Tensor d, Tensor dtBias, ReadOnlySpan<RecurrentRun> runs, Tensor state, Tensor y)
    {
        using var t = Time();
        kernels.SelectiveScan(layout, x, aLog, d, dtBias, runs, state, y);
    }

    public void RmsNormBackward(Tensor dy, Tensor x, Tensor w, Tensor scale, Tensor? dx, bool accumulate, Tensor? dw)
    {
        using var t = Time();
        kernels.RmsNormBackward(dy, x, w, scale, dx, accumulate, dw);
    }

    public void Attention(HeadLayout layout, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, Tensor y, Tensor? logSumExp, Tensor? sinks = null)
    {
        using var t = Time();
        kernels.Attention(layout, q, k, v, intervals, chain, y, logSumExp, sinks);
    }

    public void AttentionBackward(HeadLayout layout, Tensor dy, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain,
        Tensor y, Tensor logSumExp, Tensor dq, Tensor dk, Tensor dv, ReadOnlySpan<Tensor> chainGradients)
    {
        using var t = Time();
        kernels.AttentionBackward(layout, dy, q, k, v, intervals, chain, y, logSumExp, dq, dk, dv, chainGradients);
    }

    public void CrossEntropy(Tensor logits, Tensor labels, Tensor weights, Tensor losses, Tensor hits, bool gradient)
    {
        using var t = Time();
        kernels.CrossEntropy(logits, labels, weights, losses, hits, gradient);
    }

    public void SoftCrossEntropy(Tensor logits, Tensor teacher, Tensor teacherRows, Tensor? mass, SoftLoss loss, float weight,
        Tensor crossEntropy, Tensor acceptance, Tensor argmax, bool gradient)
    {
        using var t = Time();
        kernels.SoftCrossEntropy(logits, teacher, teacherRows, mass, loss, weight, crossEntropy, acceptance, argmax, gradient);
    }

    public void SelectedSoftmax(Tensor logits, Tensor ids, Tensor probs, Tensor argmax, Tensor? mass)
    {
        using var t = Time();
        kernels.SelectedSoftmax(logits, ids, probs, argmax, mass);
    }

    public void AdamW(Tensor value, Tensor gradient, Tensor m, Tensor v, float scale, AdamWUpdate update)
    {
        using var t = Time();
        kernels.AdamW(value, gradient, m, v, scale, update);
    }
}
