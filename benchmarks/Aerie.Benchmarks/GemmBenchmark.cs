// Matrix products beside OpenBLAS (f32) and oneDNN (bf16), decoding shapes beside the machine's own read bandwidth; all in one process, in turn.
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static unsafe class GemmBenchmark
{
    static readonly List<(string Name, double Value)> Results = [];

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        bool quick = args.Contains("--quick");
        int at = Array.IndexOf(args, "--rounds");
        int rounds = at >= 0 ? int.Parse(args[at + 1]) : quick ? 3 : 9;
        OpenBlas? openBlas = OpenBlas.Load();
        OneDnn? oneDnn = OneDnn.Load();
        foreach (string line in Gemm.Describe())
            Console.WriteLine(line);
        Console.WriteLine($"yardsticks: {openBlas?.Name ?? "OpenBLAS absent"}; {oneDnn?.Name ?? "oneDNN absent"}; {DateTime.UtcNow:yyyy-MM-dd}; median of {rounds}\n");

        (int, int, int)[] shapes = quick
            ? [(2048, 2048, 2048), (512, 2048, 2688)]
            : [
                (2048, 2048, 2048), (512, 2048, 2048), (512, 8064, 2688), (512, 2688, 8064), (512, 32000, 2048), (1024, 2048, 8064), (1024, 5376, 2688), (1024, 32000, 2688),
                (4096, 2048, 2048), (4096, 2688, 5376), (4096, 8064, 2688), (512, 576, 576), (512, 1536, 576), (512, 576, 1536), (512, 16384, 576), (64, 2688, 2688),
            ];
        if (args.Contains("--one-thread"))
        {
            GemmOneThread.Run(shapes, openBlas, oneDnn);
            return 0;
        }

        Console.WriteLine("x W^T, M x N x K            f32 GFLOP/s  OpenBLAS  ratio  |  bf16 GFLOP/s    oneDNN  ratio  | packing W f32, bf16 (GB/s read)");
        foreach ((int m, int n, int k) in shapes)
            Large(m, n, k, rounds, openBlas, oneDnn);
        Gradient(1024, 2048, 2688, rounds);
        Dispatch(rounds);
        double bandwidth = Bandwidth(rounds);
        Decode(rounds, bandwidth);
        foreach ((int n, int k) in new[] { (8064, 2688), (32000, 2048), (2048, 2048) })
            Rows(n, k, rounds, bandwidth);
        Console.WriteLine($"\npeak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
        Console.WriteLine(JsonLine());
        return 0;
    }

    static float* Floats(long count, int seed)
    {
        float* p = (float*)NativeMemory.AlignedAlloc((nuint)count * 4, 4096);
        uint state = (uint)seed * 2654435761u + 1;
        for (long i = 0; i < count; i++)
        {
            state = state * 1664525 + 1013904223;
            p[i] = (int)state * (1f / int.MaxValue);
        }

        return p;
    }

    static ushort* Shorts(float* from, long count)
    {
        ushort* p = (ushort*)NativeMemory.AlignedAlloc((nuint)count * 2, 4096);
        for (long i = 0; i < count; i++)
            p[i] = (ushort)(BitConverter.SingleToUInt32Bits(from[i]) >> 16);
        return p;
    }

    static void Large(int m, int n, int k, int rounds, OpenBlas? openBlas, OneDnn? oneDnn)
    {
        float* a = Floats((long)m * k, 1), w = Floats((long)n * k, 2), c = Floats((long)m * n, 3);
        ushort* a16 = Shorts(a, (long)m * k), w16 = Shorts(w, (long)n * k);
        using PackedMatrix f32 = PackedMatrix.Pack(Precision.F32, new MatrixView(w, n, k).T), bf16 = PackedMatrix.Pack(Precision.BF16, new MatrixView(w, n, k).T);
        Times t = Paired.Measure(
            rounds, 0.03, 0.03,
            [
            () => Gemm.Multiply(new MatrixView(a, m, k), f32, c, n),
            openBlas == null ? null : () => openBlas.MultiplyTransposed(m, n, k, a, w, c),
            () => Gemm.Multiply(new MatrixView(a, m, k), bf16, c, n),
            oneDnn?.MatmulTransposed(m, n, k, true, a16, w16, c),
            () => f32.Repack(new MatrixView(w, n, k).T),
            () => bf16.Repack(new MatrixView(w, n, k).T),
            ]);
        double work = 2.0 * m * n * k / 1e9;
        string name = $"{m} x {n} x {k}";
        Console.WriteLine($"{name,-26} {work / t[0],12:F0} {work / t[1],9:F0} {t.Ratio(1, 0),6:F2}  | {work / t[2],13:F0} {work / t[3],9:F0} {t.Ratio(3, 2),6:F2}  | {4e-9 * n * k / t[4]:F1}, {4e-9 * n * k / t[5]:F1}");
        Results.Add(($"f32 {name} GFLOP/s", work / t[0]));
        Results.Add(($"f32 {name} / OpenBLAS", t.Ratio(1, 0)));
        Results.Add(($"bf16 {name} GFLOP/s", work / t[2]));
        Results.Add(($"bf16 {name} / oneDNN", t.Ratio(3, 2)));
        foreach (nint p in new[] { (nint)a, (nint)w, (nint)c, (nint)a16, (nint)w16 })
            NativeMemory.AlignedFree((void*)p);
    }

    /// <summary>Training's other two products: dx = dy W (W packed as it lies) and dW += dy^T x (both packed on the way).</summary>
    static void Gradient(int m, int n, int k, int rounds)
    {
        float* dy = Floats((long)m * n, 1), w = Floats((long)n * k, 2), x = Floats((long)m * k, 3), dw = Floats((long)n * k, 4), dx = Floats((long)m * k, 5);
        Console.WriteLine($"\ngradients, tokens {m}, W {n} x {k}");
        foreach (Precision precision in new[] { Precision.F32, Precision.BF16 })
        {
            using PackedMatrix packed = PackedMatrix.Pack(precision, new MatrixView(w, n, k));
            Times t = Paired.Measure(
                rounds, 0, 0.03,
                [
                () => Gemm.Multiply(new MatrixView(dy, m, n), packed, dx, k),
                () => Gemm.Multiply(new MatrixView(dy, m, n).T, new MatrixView(x, m, k), dw, k, precision, accumulate: true),
                ]);
            double work = 2.0 * m * n * k / 1e9;
            Console.WriteLine($"  {precision,-5} dx {work / t[0],6:F0} GFLOP/s, dW += {work / t[1],6:F0} GFLOP/s");
            Results.Add(($"{precision} dW {m} {n} {k} GFLOP/s", work / t[1]));
        }

        foreach (nint p in new[] { (nint)dy, (nint)w, (nint)x, (nint)dw, (nint)dx })
            NativeMemory.AlignedFree((void*)p);
    }

    /// <summary>Reads as fast as the machine can: plain vector loads, prefetched as far ahead as the product kernels do.</summary>
    struct Reader : IParallelBody
    {
        public const int Block = 16384;

        public float* Data;
        public float Sum;

        public void Invoke(int begin, int end)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            int width = Vector<float>.Count;
            for (float* p = Data + (long)begin * Block, last = Data + (long)end * Block; p != last; p += 4 * width)
            {
                if (Sse.IsSupported)
                {
                    for (int line = 0; line < 4 * width; line += 16)
                        Sse.Prefetch0(p + 4096 + line);
                }

                s0 += Vector.Load(p);
                s1 += Vector.Load(p + width);
                s2 += Vector.Load(p + 2 * width);
                s3 += Vector.Load(p + 3 * width);
            }

            Sum = Vector.Sum(s0 + s1 + s2 + s3);
        }
    }

    struct Nothing : IParallelBody
    {
        public readonly void Invoke(int begin, int end) { }
    }

    static void Dispatch(int rounds)
    {
        var nothing = new Nothing();
        double t = Paired.Measure(4 * rounds, 0, 0.005, [() => Threads.For(2, ref nothing)])[0];
        Console.WriteLine($"\nan empty loop over {Threads.Count} threads: {t * 1e6:F2} microseconds");
        Results.Add(("dispatch microseconds", t * 1e6));
    }

    /// <summary>Bytes per second of plain reading, all threads, from a block far larger than any cache.</summary>
    /// <summary>Reads so many bytes of memory (of its own, kept) by all threads.</summary>
    public static Action Read(double bytes)
    {
        var blocks = (int)(bytes / 65536);
        var reader = new Reader { Data = Floats(blocks * (long)Reader.Block, 1) };
        return () => Threads.For(blocks, ref reader);
    }

    static double Bandwidth(int rounds)
    {
        const int blocks = 4096;
        float* data = Floats(blocks * (long)Reader.Block, 1);
        var reader = new Reader { Data = data };
        double t = Paired.Measure(4 * rounds, 0, 0.01, [() => Threads.For(blocks, ref reader)])[0];
        double bandwidth = blocks * 65536.0 / t / 1e9;
        Console.WriteLine($"\nread bandwidth: {bandwidth:F1} GB/s ({blocks >> 4} MiB, sum of floats, {Threads.Count} threads)");
        Results.Add(("read GB/s", bandwidth));
        NativeMemory.AlignedFree(data);
        return bandwidth;
    }

    /// <summary>All products of one pass of SmolLM2-135M (30 layers, 270 MB of bf16) over 1 to 16 tokens.</summary>
    static void Decode(int rounds, double bandwidth)
    {
        const int hidden = 576, inner = 1536, kv = 192, layers = 30, vocabulary = 49152;
        List<PackedMatrix> weights = [];
        float* w = Floats((long)vocabulary * hidden, 1), x = Floats(16 * inner, 2), y = Floats(16L * vocabulary, 3);
        for (int layer = 0; layer < layers; layer++)
        {
            foreach ((int n, int k) in new[] { (hidden, hidden), (kv, hidden), (kv, hidden), (hidden, hidden), (inner, hidden), (inner, hidden), (hidden, inner) })
                weights.Add(PackedMatrix.Pack(Precision.BF16, new MatrixView(w, n, k).T));
        }

        weights.Add(PackedMatrix.Pack(Precision.BF16, new MatrixView(w, vocabulary, hidden).T));
        NativeMemory.AlignedFree(w);
        int[] tokens = [1, 2, 3, 4, 5, 6, 8, 12, 16];
        Times t = Paired.Measure(4 * rounds, 0, 0.01, [.. tokens.Select(m => (Action)(() =>
        {
            foreach (PackedMatrix matrix in weights)
                Gemm.Multiply(new MatrixView(x, m, matrix.K), matrix, y, matrix.N);
        }))]);
        double bytes = weights.Sum(matrix => (double)matrix.Bytes);
        Console.WriteLine($"\nproducts of a pass of SmolLM2-135M, bf16, {bytes / 1e6:F0} MB, {weights.Count} products");
        Console.WriteLine("tokens        ms   GB/s  of read bandwidth   x one token");
        for (int i = 0; i < tokens.Length; i++)
        {
            Console.WriteLine($"{tokens[i],6} {t[i] * 1e3,9:F2} {bytes / t[i] / 1e9,6:F1} {bytes / t[i] / 1e9 / bandwidth,14:P0} {t.Ratio(i, 0),17:F2}");
            Results.Add(($"smollm2-135m {tokens[i]} tokens ms", t[i] * 1e3));
            Results.Add(($"smollm2-135m {tokens[i]} tokens / 1 token", t.Ratio(i, 0)));
        }

        Results.Add(("smollm2-135m 1 token share of bandwidth", bytes / t[0] / 1e9 / bandwidth));
        weights.ForEach(matrix => matrix.Dispose());
    }

    /// <summary>One matrix, few rows; copies of it fill more than the last cache.</summary>
    static void Rows(int n, int k, int rounds, double bandwidth)
    {
        float* w = Floats((long)n * k, 1), x = Floats(16L * k, 2), y = Floats(16L * n, 3);
        foreach (Precision precision in new[] { Precision.F32, Precision.BF16 })
        {
            List<PackedMatrix> copies = [];
            while (copies.Sum(copy => copy.Bytes) < 256 << 20)
                copies.Add(PackedMatrix.Pack(precision, new MatrixView(w, n, k).T));
            int[] rows = [1, 2, 4, 8, 16];
            Times t = Paired.Measure(4 * rounds, 0, 0.01, [.. rows.Select(m => (Action)(() =>
            {
                foreach (PackedMatrix matrix in copies)
                    Gemm.Multiply(new MatrixView(x, m, k), matrix, y, n);
            }))]);
            double bytes = copies.Sum(copy => (double)copy.Bytes);
            Console.WriteLine($"{n} x {k} {precision}: M = 1 at {bytes / t[0] / 1e9:F1} GB/s ({bytes / t[0] / 1e9 / bandwidth:P0}); M = 2, 4, 8, 16: {t.Ratio(1, 0):F2}, {t.Ratio(2, 0):F2}, {t.Ratio(3, 0):F2}, {t.Ratio(4, 0):F2} x");
            Results.Add(($"{precision} 1 x {n} x {k} share of bandwidth", bytes / t[0] / 1e9 / bandwidth));
            copies.ForEach(copy => copy.Dispose());
        }

        NativeMemory.AlignedFree(w);
        NativeMemory.AlignedFree(x);
        NativeMemory.AlignedFree(y);
    }

    static string JsonLine()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach ((string name, double value) in Results)
            {
                if (double.IsFinite(value))
                    json.WriteNumber(name, Math.Round(value, 4));
                else
                    json.WriteNull(name);
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }
}
