// Mamba-2: is the cost of a prompt linear in its length, how near is the scan to the machine's multiply-adds, would the block ("SSD") form of the paper be faster, and what do passes
// over a few rows cost, with and without rows that can still be forgotten.
using System.Globalization;
using System.Text.Json;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static unsafe class MambaBenchmark
{
    static readonly Dictionary<string, double> Results = [];

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var rounds = args.Contains("--quick") ? 3 : 9;
        Paired.ProcessorTime = args.Contains("--processor-time");
        var peak = AttentionBenchmark.Peak(rounds) / 2;                 // multiply-adds a second; the recurrence takes 3 of them for every number of the state
        Console.WriteLine($"{Kernels.Cpu.Name}, {Threads.Count} threads; {peak:F0} G multiply-adds/s on registers alone{(Paired.ProcessorTime ? "; seconds of processor time" : "")}\n");
        Linearity(rounds);
        Share("Nemotron 3 Nano: H 2688, 64 heads of 64, 8 groups, state 128", 2688, new ScanLayout(64, 64, 8, 128), rounds, peak);
        FewRows("64 heads of 64, 8 groups, state 128", new ScanLayout(64, 64, 8, 128), rounds);
        Console.WriteLine(JsonSerializer.Serialize(Results.ToDictionary(r => r.Key, r => Math.Round(r.Value, 3))));
        return 0;
    }

    // A quarter of Nano's block: T rows in one pass, whose activations leave the caches as T grows, and in passes of 512 rows, as prompts are read.
    static void Linearity(int rounds)
    {
        int[] lengths = [1024, 2048, 4096, 8192, 16384];
        using var block = new Block(1344, new ScanLayout(16, 64, 2, 128), lengths[^1], 1, 0);
        var all = Paired.Measure(rounds, 0, 0.02, [.. lengths.Select(t => (Action)(() => block.Run(t)))]);
        var scan = Paired.Measure(rounds, 0, 0.02, [.. lengths.Select(t => (Action)(() => block.Scan(t)))]);
        var passes = Paired.Measure(rounds, 0, 0.02, [.. lengths.Select(t => (Action)(() =>
        {
            for (var at = 0; at < t; at += 512) block.Run(512);
        }))]);
        Console.WriteLine("cost of a token against T = 1024; T     block in passes of 512     block in one pass     conv + scan + norm in one pass");
        for (var i = 0; i < lengths.Length; i++)
        {
            var (whole, part) = (all.Ratio(i, 0) * lengths[0] / lengths[i], scan.Ratio(i, 0) * lengths[0] / lengths[i]);
            var read = passes.Ratio(i, 0) * lengths[0] / lengths[i];
            Console.WriteLine($"{lengths[i],38} {read,26:F3} {whole,21:F3} {part,34:F3}");
            Results[$"cost of a token in passes of 512, T {lengths[i]} / T 1024"] = read;
            Results[$"cost of a token, T {lengths[i]} / T 1024"] = whole;
            Results[$"conv + scan + norm of a token, T {lengths[i]} / T 1024"] = part;
        }
    }

    static void Share(string name, int hidden, ScanLayout layout, int rounds, double peak)
    {
        const int Rows = 512;
        Console.WriteLine($"\n{name}, {Rows} rows");
        foreach (var precision in (Precision[])[Precision.F32, Precision.BF16])
        {
            using var block = new Block(hidden, layout, Rows, 1, 0, precision);
            using var blocked = new BlockForm(layout);
            var t = Paired.Measure(rounds, 0, 0.02, [() => block.Run(Rows), () => block.ScanOnly(Rows), () => block.Scan(Rows), () => blocked.Run(Rows, 64), () => blocked.Run(Rows, 128)]);
            var rate = 3e-9 * layout.State * Rows / t[1];
            Console.WriteLine($"  {precision}: block {1e3 * t[0]:F1} ms; conv + scan + norm {t.Ratio(2, 0):P0} of it; scan {t.Ratio(1, 0):P0}, {rate:F0} G multiply-adds/s = {rate / peak:P0} of the machine's");
            Console.WriteLine($"       products of the block form alone, f32: {t.Ratio(3, 1):F2} x the scan in chunks of 64, {t.Ratio(4, 1):F2} x in chunks of 128");
            Results[$"{precision} scan share"] = t.Ratio(1, 0);
            Results[$"{precision} scan of peak"] = rate / peak;
            Results[$"{precision} block form 64 / scan"] = t.Ratio(3, 1);
            Results[$"{precision} block form 128 / scan"] = t.Ratio(4, 1);
        }
    }

    // As many layers' states as do not fit into the processor's caches.
    static void FewRows(string name, ScanLayout layout, int rounds)
    {
        const int Layers = 16, Most = 8;
        Console.WriteLine($"\nconv + scan + norm of {Layers} layers, {name}: cost against one row that is not to be forgotten");
        var layers = Enumerable.Range(0, Layers).Select(_ => new Block(8, layout, Most, 1, Most)).ToArray();
        (int Count, int Kept, int Settled)[] passes = [(1, 0, 1), (2, 0, 2), (4, 0, 4), (8, 0, 8), (1, 0, 0), (1, 4, 1), (4, 1, 1), (4, 4, 4), (8, 1, 1), (8, 8, 8)];
        var t = Paired.Measure(rounds, 0, 0.02, [.. passes.Select(p => (Action)(() =>
        {
            foreach (var layer in layers) layer.Pass(p.Count, p.Kept, p.Settled);
        }))]);
        for (var i = 0; i < passes.Length; i++)
        {
            var what = $"{passes[i].Count} new rows, {passes[i].Kept} kept before, {passes[i].Settled} settle";
            Console.WriteLine($"  {what,-42} {t.Ratio(i, 0),6:F2}{(i == 0 ? $"   ({1e3 * t[0] / Layers:F2} ms a layer, {8e-9 * layout.State * Layers / t[0]:F1} GB/s)" : "")}");
            Results[what] = t.Ratio(i, 0);
        }
        foreach (var layer in layers) layer.Dispose();
    }

    sealed class Block : IDisposable
    {
        readonly ScanLayout layout;
        readonly Parameter into, back;
        readonly Tensor x, projected, past, taps, bias, convolved, heads, state, scanned, norm, y;

        internal Block(int hidden, ScanLayout layout, int rows, int sequences, int keep, Precision precision = Precision.F32)
        {
            this.layout = layout;
            (into, back) = (new("in", Numbers(layout.Inner + layout.Width, hidden, 0.02f), false, precision), new("out", Numbers(hidden, layout.Inner, 0.02f), false, precision));
            (x, projected, y) = (Numbers(rows, hidden, 1), Numbers(rows, layout.Inner + layout.Width, 1), Numbers(rows, hidden, 1));
            (past, taps, bias) = (Tensor.Allocate(new Shape(sequences, 3 + keep, layout.Width)), Numbers(4, layout.Convolved, 0.5f), Numbers(1, layout.Convolved, 0.5f));
            (convolved, scanned, norm) = (Numbers(rows + keep, layout.Width, 1), Numbers(rows, layout.Inner, 1), Numbers(1, layout.Inner, 1));
            (heads, state) = (Numbers(1, layout.Heads, 0.5f), Tensor.Allocate(new Shape(sequences, layout.State)));
        }

        internal void Run(int rows)
        {
            Kernels.Cpu.Linear(x.Slice(0, rows), into, null, projected.Slice(0, rows), false);
            Scan(rows);
            Kernels.Cpu.Linear(scanned.Slice(0, rows), back, null, y.Slice(0, rows), false);
        }

        internal void Scan(int rows) => Pass(rows, 0, rows);

        internal void Pass(int count, int kept, int settled)
        {
            RecurrentRun run = new(0, 0, count, kept, settled, 0);
            Kernels.Cpu.CausalConv(projected.Slice(0, count), layout.Inner, past, [run], taps, bias, convolved);
            Kernels.Cpu.SelectiveScan(layout, convolved, heads, heads, heads, [run], state, scanned.Slice(0, count));
            Kernels.Cpu.GatedGroupNorm(scanned.Slice(0, count), projected.Slice(0, count), 0, layout.Groups, norm, 1e-5f, scanned.Slice(0, count));
        }

        internal void ScanOnly(int rows) => Kernels.Cpu.SelectiveScan(layout, convolved, heads, heads, heads, [new(0, 0, rows, 0, rows, 0)], state, scanned.Slice(0, rows));

        public void Dispose()
        {
            into.Dispose();
            back.Dispose();
            foreach (var t in (Tensor[])[x, projected, past, taps, bias, convolved, heads, state, scanned, norm, y]) t.Dispose();
        }
    }

    /// <summary>The matrix products of the block form and nothing else (no decays, no masks): for each chunk and group C Bᵀ, and for its heads together C S and Bᵀ X; for each head scores times X.</summary>
    sealed class BlockForm(ScanLayout layout) : IDisposable
    {
        readonly Tensor b = Numbers(128, layout.StateSize, 1), scores = Numbers(128, 128, 1), s = Numbers(layout.StateSize, layout.Heads / layout.Groups * layout.HeadSize, 1),
            x = Numbers(128, layout.Heads / layout.Groups * layout.HeadSize, 1), y = Numbers(128, layout.Heads / layout.Groups * layout.HeadSize, 1);

        struct Groups : IParallelBody
        {
            public BlockForm Form;
            public int Chunk;

            public readonly void Invoke(int begin, int end)
            {
                for (var i = begin; i < end; i++) Form.Group(Chunk);
            }
        }

        internal void Run(int rows, int chunk)
        {
            var body = new Groups { Form = this, Chunk = chunk };
            Threads.For(rows / chunk * layout.Groups, ref body);        // products run on the thread that asks for them
        }

        void Group(int q)
        {
            var (n, p, wide) = (layout.StateSize, layout.HeadSize, s.Cols);
            MatrixView View(Tensor t, int rows, int cols) => new(t.Floats, rows, cols, t.Cols);
            using var own = Tensor.Allocate(new Shape(Math.Max(q, n), Math.Max(wide, q)));
            Gemm.Multiply(View(b, q, n), View(b, q, n).T, own.Floats, q, Precision.F32);
            Gemm.Multiply(View(b, q, n), View(s, n, wide), own.Floats, wide, Precision.F32);
            Gemm.Multiply(View(b, q, n).T, View(x, q, wide), own.Floats, wide, Precision.F32);
            for (var h = 0; h < wide / p; h++) Gemm.Multiply(View(scores, q, q), View(x, q, wide).Columns(h * p, p), own.Floats + h * p, wide, Precision.F32);
        }

        public void Dispose()
        {
            foreach (var t in (Tensor[])[b, scores, s, x, y]) t.Dispose();
        }
    }

    static Tensor Numbers(int rows, int cols, float deviation)
    {
        var tensor = Tensor.Allocate(rows == 1 ? new Shape(cols) : new Shape(rows, cols));
        new CounterRandom(1, "mamba benchmark", (uint)cols).FillNormal(tensor, deviation);
        return tensor;
    }
}
