// Attention: prefill and training shapes in GFLOP/s beside the machine's own multiply-adds, decoding in GB/s of keys and values, and what
// m rows cost against one; what a window costs a row of longer and longer texts, and what a cap and sinks add.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text.Json;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static class AttentionBenchmark
{
    static readonly int[] RowCounts = [1, 2, 4, 8];
    static readonly Dictionary<string, double> Results = [];

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var rounds = args.Contains("--quick") ? 3 : 9;
        Paired.ProcessorTime = args.Contains("--processor-time");
        var peak = Peak(rounds);
        Console.WriteLine($"{Kernels.Cpu.Name}, {Threads.Count} threads; multiply-adds on registers alone: {peak:F0} GFLOP/s{(Paired.ProcessorTime ? "; seconds of processor time" : "")}\n");
        Console.WriteLine("shape                                          forward GFLOP/s  of peak   backward GFLOP/s  of peak");
        foreach (var rows in new[] { 512, 1024, 2048, 4096, 8192 }) Many($"prefill 32/8 heads, d 64, T {rows}", new(32, 8, 64, 0, 32 * 64, 40 * 64), rows, 0, rounds, peak);
        Many("prefill 9/3 heads, d 64, T 2048", HeadLayout.Fused(9, 3, 64), 2048, 0, rounds, peak);
        Many("prefill 32/8 heads, d 128, T 2048", HeadLayout.Fused(32, 8, 128), 2048, 0, rounds, peak);
        Many("prefill 16/16 heads, d 80, T 1024", HeadLayout.Fused(16, 16, 80), 1024, 0, rounds, peak);
        for (var step = 0; step < 7; step++) Many($"TTT step {step}, 32/8 heads, d 64, T 1024", HeadLayout.Fused(32, 8, 64), 1024, step, rounds, peak);
        Console.WriteLine("\nprefill in one pass, 32/8 heads, d 64: us for each row");
        foreach (var rows in new[] { 1024, 2048, 4096, 8192, 16384 }) Windows(rows, 256, rounds);
        Console.WriteLine("\nm rows after a cache            1 row GB/s     m = 2     4     8 (cost against one row)");
        foreach (var keys in new[] { 1024, 8192 })
        {
            Few($"9/3 heads, d 64, {keys} keys", HeadLayout.Fused(9, 3, 64), keys, rounds);
            Few($"32/8 heads, d 64, {keys} keys", HeadLayout.Fused(32, 8, 64), keys, rounds);
        }
        Console.WriteLine(JsonSerializer.Serialize(Results));
        return 0;
    }

    static Tensor Numbers(int rows, int cols, Random random)
    {
        var values = new float[rows * cols];
        foreach (ref var x in values.AsSpan()) x = (float)(random.NextDouble() * 2 - 1);
        return Tensor.From(values, new Shape(rows, cols));
    }

    static Tensor Causal(int first, int rows) => Tensor.From([.. Enumerable.Range(first, rows).SelectMany(t => new[] { 0, t + 1 })]);

    static void Many(string name, HeadLayout layout, int rows, int chain, int rounds, double peak)
    {
        var random = new Random(1);
        using var x = Numbers(rows, layout.FusedWidth, random);
        using var intervals = Causal(0, rows);
        using var dy = Numbers(rows, layout.Heads * layout.HeadSize, random);
        using var y = Tensor.Allocate(dy.Shape);
        using var sums = Tensor.Allocate(new Shape(rows, layout.Heads));
        using var dx = Tensor.Allocate(x.Shape);
        using var own = Tensor.From([.. Enumerable.Range(0, rows)]);
        ChainKeys[] links = [.. Enumerable.Range(0, chain).Select(_ => new ChainKeys(Numbers(rows, layout.FusedWidth, random), own))];
        Tensor[] gradients = [.. links.Select(_ => Tensor.Allocate(x.Shape))];
        var t = Paired.Measure(rows > 4000 ? 3 : rounds,
            () => Kernels.Cpu.Attention(layout, x, x, x, intervals, links, y, sums),
            () => Kernels.Cpu.AttentionBackward(layout, dy, x, x, x, intervals, links, y, sums, dx, dx, dx, gradients));
        // Visible pairs only: two products of d forward, five backward (the scores are made again).
        var work = 2e-9 * layout.Heads * layout.HeadSize * (rows * (rows + 1.0) / 2 + rows * (double)chain);
        Console.WriteLine($"{name,-46} {2 * work / t[0],15:F0} {2 * work / t[0] / peak,8:P0} {5 * work / t[1],18:F0} {5 * work / t[1] / peak,8:P0}");
        Results[$"{name} forward GFLOP/s"] = 2 * work / t[0];
        Results[$"{name} backward GFLOP/s"] = 5 * work / t[1];
        foreach (var link in links) link.KeysAndValues.Dispose();
        foreach (var gradient in gradients) gradient.Dispose();
    }

    static void Windows(int rows, int window, int rounds)
    {
        var layout = HeadLayout.Fused(32, 8, 64);
        using var x = Numbers(rows, layout.FusedWidth, new Random(1));
        using var y = Tensor.Allocate(new Shape(rows, layout.Heads * layout.HeadSize));
        using var sinks = Numbers(1, layout.Heads, new Random(2)).Reshape(new Shape(layout.Heads));
        using var windowed = Tensor.From([.. Enumerable.Range(0, rows).SelectMany(t => new[] { Math.Max(0, t + 1 - window), t + 1 })]);
        using var causal = Causal(0, rows);
        var t = Paired.Measure(rows > 4000 ? 3 : rounds,
            () => Kernels.Cpu.Attention(layout, x, x, x, windowed, [], y, null),
            () => Kernels.Cpu.Attention(layout with { SoftCap = 50 }, x, x, x, windowed, [], y, null, sinks),
            () => Kernels.Cpu.Attention(layout, x, x, x, causal, [], y, null));
        Console.WriteLine($"T {rows,6}: window {window} {1e6 * t[0] / rows,8:F2}   capped, with sinks {1e6 * t[1] / rows,8:F2}   all keys {1e6 * t[2] / rows,8:F2}");
        Results[$"window {window}, T {rows}, us/row"] = 1e6 * t[0] / rows;
        Results[$"window {window} capped with sinks, T {rows}, us/row"] = 1e6 * t[1] / rows;
    }

    static void Few(string name, HeadLayout layout, int keys, int rounds)
    {
        // As many layers' caches as do not fit into the processor's.
        var random = new Random(1);
        var width = 2 * layout.KeyHeads * layout.HeadSize;
        layout = layout with { KeyColumn = 0, ValueColumn = width / 2 };
        var layers = Enumerable.Range(0, Math.Max(1, (256 << 20) / (keys * width * 4))).Select(_ => Numbers(keys, width, random)).ToArray();
        using var q = Numbers(8, layout.Heads * layout.HeadSize, random);
        using var y = Tensor.Allocate(q.Shape);
        var t = Paired.Measure(rounds, [.. RowCounts.Select(m =>
        {
            var (some, intervals) = (q.Slice(0, m), Causal(keys - m, m));
            return (Action)(() =>
            {
                foreach (var layer in layers) Kernels.Cpu.Attention(layout, some, layer, layer, intervals, [], y, null);
            });
        })]);
        var bandwidth = 4e-9 * keys * width * layers.Length / t[0];
        Console.WriteLine($"{name,-28} {bandwidth,12:F1} {t[1] / t[0],9:F2} {t[2] / t[0],5:F2} {t[3] / t[0],5:F2}");
        Results[$"{name} GB/s"] = bandwidth;
        Results[$"{name} 8 rows / 1"] = t[3] / t[0];
        foreach (var layer in layers) layer.Dispose();
    }

    struct MultiplyAdds : IParallelBody
    {
        public float Sum;

        public void Invoke(int begin, int end)
        {
            for (var i = begin; i < end; i++) Sum += Vector512.IsHardwareAccelerated ? Wide() : Narrow();
        }

        static float Wide()
        {
            Vector512<float> x = Vector512.Create(0.999f), y = Vector512.Create(1e-3f);
            Vector512<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;
            for (var n = 0; n < 10000; n++)
            {
                a = Vector512.FusedMultiplyAdd(a, x, y); b = Vector512.FusedMultiplyAdd(b, x, y); c = Vector512.FusedMultiplyAdd(c, x, y);
                d = Vector512.FusedMultiplyAdd(d, x, y); e = Vector512.FusedMultiplyAdd(e, x, y); f = Vector512.FusedMultiplyAdd(f, x, y);
                g = Vector512.FusedMultiplyAdd(g, x, y); h = Vector512.FusedMultiplyAdd(h, x, y); i = Vector512.FusedMultiplyAdd(i, x, y);
                j = Vector512.FusedMultiplyAdd(j, x, y);
            }
            return Vector512.Sum(a + b + c + d + e + f + g + h + i + j);
        }

        static float Narrow()
        {
            Vector256<float> x = Vector256.Create(0.999f), y = Vector256.Create(1e-3f);
            Vector256<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x;
            for (var n = 0; n < 10000; n++)
            {
                a = Vector256.FusedMultiplyAdd(a, x, y); b = Vector256.FusedMultiplyAdd(b, x, y); c = Vector256.FusedMultiplyAdd(c, x, y);
                d = Vector256.FusedMultiplyAdd(d, x, y); e = Vector256.FusedMultiplyAdd(e, x, y); f = Vector256.FusedMultiplyAdd(f, x, y);
                g = Vector256.FusedMultiplyAdd(g, x, y); h = Vector256.FusedMultiplyAdd(h, x, y); i = Vector256.FusedMultiplyAdd(i, x, y);
                j = Vector256.FusedMultiplyAdd(j, x, y);
            }
            return Vector256.Sum(a + b + c + d + e + f + g + h + i + j);
        }
    }

    /// <summary>GFLOP/s of float32 multiply-adds on registers, all threads.</summary>
    internal static double Peak(int rounds)
    {
        var items = 64 * Threads.Count;
        var t = Paired.Measure(rounds, () =>
        {
            var body = new MultiplyAdds();
            Threads.For(items, ref body);
        });
        return items * 10000.0 * 10 * 2 * (Vector512.IsHardwareAccelerated ? 16 : 8) / t[0] / 1e9;
    }
}
