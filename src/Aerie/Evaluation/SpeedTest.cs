// How fast this machine is at what Aerie does most: products of many rows (training, prefill), products of one row (decoding reads every weight once),
// and a target's passes over a few tokens, which decide what speculation can gain. Medians of repeated runs, in one process.
using System.Diagnostics;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Evaluation;

/// <summary>One figure of a speed test.</summary>
/// <param name="Name">What was timed.</param>
/// <param name="Value">The figure.</param>
/// <param name="Unit">Its unit.</param>
public sealed record SpeedFigure(string Name, double Value, string Unit);

/// <summary>Times the engine.</summary>
public static class SpeedTest
{
    /// <summary>Products of 512 rows and of one row with a [4096, 4096] weight, in both precisions.</summary>
    public static IEnumerable<SpeedFigure> Products(CancellationToken cancellation = default)
    {
        const int rows = 512, size = 4096;
        foreach (var precision in new[] { Precision.BF16, Precision.F32 })
        {
            using var weight = new Parameter("weight", Tensor.Allocate(new Shape(size, size)), precision: precision);
            weight.Value.CopyFrom(Enumerable.Range(0, size * size).Select(i => (i * 7 % 13 - 6) * 0.01f).ToArray());
            using var x = Tensor.Allocate(new Shape(rows, size));
            using var y = Tensor.Allocate(new Shape(rows, size));
            x.CopyFrom(Enumerable.Range(0, rows * size).Select(i => (i * 5 % 11 - 5) * 0.01f).ToArray());
            var many = Median(() => Kernels.Cpu.Linear(x, weight, null, y, false), cancellation);
            yield return new($"product {rows} x {size} x {size}, {precision}", 2.0 * rows * size * size / many / 1e9, "GFLOP/s");
            using var one = x.Slice(0, 1);
            using var out1 = y.Slice(0, 1);
            var few = Median(() => Kernels.Cpu.Linear(one, weight, null, out1, false), cancellation);
            yield return new($"product 1 x {size} x {size}, {precision}", (precision == Precision.BF16 ? 2.0 : 4.0) * size * size / few / 1e9, "GB/s of weights");
        }
    }

    /// <summary>Prefill of a text, and passes over 1, 2, 4 and 8 tokens after it.</summary>
    public static IEnumerable<SpeedFigure> Passes(Target target, CancellationToken cancellation = default)
    {
        var length = Math.Min(512, target.Config.MaxPositions / 2);
        using var work = new TargetWorkspace(length, 8);
        using var rows = new PassRows(length);
        using var cache = target.NewCacheWithRollback(8, length + 8);
        var sequence = cache.Sequences[0];
        int[] text = [.. Enumerable.Range(0, length).Select(i => (i * 31 + 7) % target.Config.VocabularySize)];
        var next = new int[8];
        var wanted = Enumerable.Range(0, 8).ToArray();

        var prefill = Median(() => Pass(0, length, 1), cancellation);
        yield return new($"prefill of {length} tokens", length / prefill, "tokens/s");
        double single = 0;
        foreach (var m in new[] { 1, 2, 4, 8 })
        {
            var seconds = Median(() => Pass(length, m, m), cancellation);
            if (m == 1) yield return new("plain decoding", 1 / (single = seconds), "tokens/s");
            else yield return new($"pass over {m} tokens", seconds / single, "x the pass over one");
        }

        void Pass(int from, int count, int logits)
        {
            sequence.ShortenTo(from);
            rows.Clear();
            rows.Add(sequence, text.AsSpan(0, count));
            target.Forward(rows, cache, work);
            target.NextTokens(work, wanted.AsSpan(0, logits), next.AsSpan(0, logits));
        }
    }

    static double Median(Action run, CancellationToken cancellation)
    {
        run();
        var times = new List<double>();
        var all = Stopwatch.StartNew();
        while (times.Count < 5 || (times.Count < 200 && all.Elapsed.TotalSeconds < 0.7))
        {
            cancellation.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            run();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        times.Sort();
        return times[times.Count / 2];
    }
}
