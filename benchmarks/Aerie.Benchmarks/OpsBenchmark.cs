// Every kernel that is no matrix product or attention, in GB/s of the bytes it must move, beside a plain copy by all threads: in memory (256 MiB) and
// in the caches (8 MiB). The best of many short runs: what a noisy neighbour takes is not the kernel's.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static unsafe class OpsBenchmark
{
    sealed record Op(string Name, double Bytes, Action Run);

    struct CopyBody : IParallelBody
    {
        public byte* From, To;

        public readonly void Invoke(int begin, int end)
            => Buffer.MemoryCopy(From + begin * 65536L, To + begin * 65536L, (end - begin) * 65536L, (end - begin) * 65536L);
    }

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var at = Array.IndexOf(args, "--rounds");
        var rounds = at >= 0 ? int.Parse(args[at + 1]) : args.Contains("--quick") ? 3 : 9;
        var kernels = Kernels.Cpu;
        Console.WriteLine($"{kernels.Name}, {CpuFeatures.Processor}, {Threads.Count} threads, best of {20 * rounds}");
        var (memory, cache) = (Copy(256, rounds), Copy(8, rounds));
        Console.WriteLine($"copy: {memory:F1} GB/s in memory, {cache:F1} GB/s in the caches (read + written)\n");
        var results = new Dictionary<string, double> { ["copy memory GB/s"] = memory, ["copy cache GB/s"] = cache };
        Console.WriteLine($"{"",-44} {"GB/s",8} {"of copy",8} {"us",10}");
        foreach (var (rows, cols) in ((int, int)[])[(1, 576), (1024, 576), (1024, 2048), (256, 16384)])
            foreach (var op in Ops(kernels, rows, cols))
            {
                var seconds = Best(rounds, op.Run);
                var rate = op.Bytes / seconds / 1e9;
                Console.WriteLine($"{op.Name + $" [{rows}, {cols}]",-44} {rate,8:F1} {rate / (op.Bytes > 24 << 20 ? memory : cache),8:P0} {seconds * 1e6,10:F1}");
                results[$"{op.Name} [{rows}, {cols}] GB/s"] = Math.Round(rate, 2);
            }
        Console.WriteLine("{" + string.Join(", ", results.Select(r => $"\"{JsonEncodedText.Encode(r.Key)}\": {r.Value:0.##}")) + "}");
        return 0;
    }

    /// <summary>Seconds of the fastest of many runs.</summary>
    static double Best(int rounds, Action run)
    {
        run();
        var start = Stopwatch.GetTimestamp();
        run();
        var repeats = (int)Math.Clamp(1e-4 / Stopwatch.GetElapsedTime(start).TotalSeconds, 1, 1000);
        var best = double.MaxValue;
        for (var round = 0; round < 20 * rounds; round++)
        {
            start = Stopwatch.GetTimestamp();
            for (var i = 0; i < repeats; i++) run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds / repeats);
        }
        return best;
    }

    static double Copy(int mebibytes, int rounds)
    {
        using var from = Random(1, mebibytes / 2 << 10, 256);
        using var to = Random(2, mebibytes / 2 << 10, 256);
        var body = new CopyBody { From = (byte*)from.Address, To = (byte*)to.Address };
        var items = (int)(from.Bytes / 65536);
        return 2.0 * from.Bytes / Best(rounds, () => Threads.For(items, ref body)) / 1e9;
    }

    static IEnumerable<Op> Ops(IKernels k, int rows, int cols)
    {
        var n = 4.0 * rows * cols;
        Tensor a = Random(1, rows, cols), b = Random(2, rows, cols), y = Random(3, rows, cols), wide = Random(4, rows, 2 * cols), dwide = Random(5, rows, 2 * cols),
            w = Random(6, 1, cols), scale = Random(7, 1, rows), dw = Random(8, 1, cols), table = Random(9, 500, cols), probs = Random(10, rows, cols), ones = Random(11, 1, rows);
        Tensor past = Random(12, 3, cols).Reshape(new Shape(1, 3, cols)), taps = Random(13, 4, cols), ids = Ids(rows, 500), labels = Ids(rows, cols), self = Ids(rows, rows), hits = Ids(rows, 2), positions = Ids(rows, 512);
        var rotary = new RotaryTable(RotaryTable.Default(64, 1e4));
        if (cols < 10_000)
        {
            yield return new("Add", 3 * n, () => k.Add(a, b, y));
            yield return new("RmsNorm", 2 * n, () => k.RmsNorm(a, w, 1e-5f, y, scale));
            yield return new("RmsNormBackward", 4 * n, () => k.RmsNormBackward(a, b, w, scale, y, true, dw));
            yield return new("SwiGlu", 3 * n, () => k.SwiGlu(wide, y));
            yield return new("GatedUnit gelu", 3 * n, () => k.GatedUnit(new(GateKind.GeluTanh), wide, y));
            yield return new("GatedUnit clamped", 3 * n, () => k.GatedUnit(new(GateKind.ClampedSwiGlu, 1.702f, 7), wide, y));
            yield return new("SquaredRelu", 2 * n, () => k.SquaredRelu(a, y));
            yield return new("Scale", 2 * n, () => k.Scale(y, 1));
            yield return new("AddScaled", 3 * n, () => k.AddScaled(a, 1e-9f, y));
            yield return new("SwiGluBackward", 5 * n, () => k.SwiGluBackward(a, wide, dwide, false));
            yield return new("Rope", 2 * n, () => k.Rope(y, 0, cols / 64, rotary, positions, false));
            yield return new("HeadNorm", 2 * n, () => k.HeadNorm(y, 0, cols / 64, w.Reshape(new Shape(cols)).Slice(0, 64), 1e-5f));
            yield return new("GatedGroupNorm", 3 * n, () => k.GatedGroupNorm(a, b, 0, 1, w, 1e-5f, y));
            yield return new("CausalConv", 2 * n, () => k.CausalConv(a, 0, past, [new RecurrentRun(0, 0, rows, 0, rows, 0)], taps, null, y));
            yield return new("Embedding", 2 * n, () => k.Embedding(table, ids, y));
            yield return new("EmbeddingBackward", 3 * n, () => k.EmbeddingBackward(a, ids, table, -1));
            yield return new("GatherRows accumulate", 3 * n, () => k.GatherRows(table, ids, y, true));
            yield return new("AdamW", 8 * n, () => k.AdamW(y, a, wide.Reshape(new Shape(2 * rows, cols)).Slice(0, rows), b, 1, new(1e-9, 0.9, 0.95, 1e-8, 0, 1, 1)));
            var (chosen, factors) = (Tensor.Allocate(new Shape(rows, 8), DType.I32), Tensor.Allocate(new Shape(rows, 8)));
            yield return new("Route, 8 of them", n, () => k.Route(a, null, new RouteRule(false, true), chosen, factors));
            yield return new("SumOfSquares", n, () => k.SumOfSquares(a));
        }
        else
        {
            yield return new("SoftCap", 2 * n, () => k.SoftCap(y, 30));
            yield return new("CrossEntropy", 2 * n, () => k.CrossEntropy(y, labels, ones.Reshape(new Shape(rows)), scale, hits, true));
            yield return new("SoftCrossEntropy", 3 * n, () => k.SoftCrossEntropy(y, probs, self, null, SoftLoss.Plain, 1, scale, ones, hits, true));
            yield return new("SelectedSoftmax, half", 1.5 * n, () => k.SelectedSoftmax(a, Half(cols), b.Reshape(new Shape(2 * rows, cols / 2)).Slice(0, rows), hits, scale));
            yield return new("Argmax", n, () => k.Argmax(a, hits));
        }
    }

    static readonly Dictionary<int, Tensor> Halves = [];

    static Tensor Half(int cols)
        => Halves.TryGetValue(cols, out var ids) ? ids : Halves[cols] = Tensor.From([.. Enumerable.Range(0, cols / 2).Select(i => 2 * i)]);

    static Tensor Ids(int count, int below) => Tensor.From([.. Enumerable.Range(0, count).Select(i => (int)((long)i * 7919 % below))]);

    static Tensor Random(int seed, int rows, int cols)
    {
        var tensor = Tensor.Allocate(new Shape(rows, cols));
        var state = (uint)seed * 2654435761u + 1;
        for (long i = 0; i < tensor.Count; i++)
        {
            state = state * 1664525 + 1013904223;
            tensor.Floats[i] = state * (1f / uint.MaxValue);
        }
        return tensor;
    }
}
