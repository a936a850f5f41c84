// A layer of experts as large models have it (Qwen3-30B-A3B: 128 experts, 8 to a token, H 2048, J 768, bf16): few tokens beside the time to read the used experts' bytes once, many tokens beside
// a dense product of as many operations, both beside one product after another. All in one process, in turn; the fastest tenth of the calls, since a busy machine disturbs the others.
using System.Diagnostics;
using System.Globalization;
using Aerie.Tensors;

namespace Aerie.Benchmarks;

static class ExpertsBenchmark
{
    const int E = 128, K = 8, H = 2048, J = 768;

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var at = Array.IndexOf(args, "--rounds");
        var rounds = at >= 0 ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : 60;
        foreach (var line in Tensors.Cpu.Gemm.Describe()) Console.WriteLine(line);
        var kernels = Kernels.Cpu;
        Parameter[] first = [.. Enumerable.Range(0, E).Select(e => Weight(e, 2 * J, H))], down = [.. Enumerable.Range(0, E).Select(e => Weight(E + e, H, J))];
        foreach (var weight in first.Concat(down)) kernels.Prepare(weight);
        var bytes = 2.0 * 3 * J * H;
        var json = new List<string>();
        Console.WriteLine($"\n{K} of {E} experts, H {H}, J {J}, bf16: {bytes / 1e6:0.0} MB each\ntokens  experts        ms  x reading their bytes once  x one product after another");
        foreach (var rows in (int[])[1, 2, 4, 8, 512])
        {
            using var pass = new Pass(kernels, rows, first, down);
            using var dense = rows < 512 ? null : new Dense(kernels, rows * K);
            var times = Fastest(rows < 512 ? rounds : rounds / 4, pass.Run, pass.OneByOne, GemmBenchmark.Read(pass.Used * bytes), dense is null ? () => { } : dense.Run);
            var once = times[2];
            Console.WriteLine($"{rows,6} {pass.Used,8} {times[0] * 1e3,9:0.000} {times[0] / once,20:0.00} {times[0] / times[1],25:0.00}{(dense is null ? "" : $"     {times[0] / times[3]:0.00} x a dense product ({2.0 * 3 * rows * K * H * J / times[0] / 1e9:0} GFLOP/s)")}");
            json.Add($"\"rows_{rows}_ms\":{times[0] * 1e3:0.000},\"rows_{rows}_read_gb_per_s\":{pass.Used * bytes / once / 1e9:0.0},\"rows_{rows}_x_bytes\":{times[0] / once:0.000},\"rows_{rows}_x_one_by_one\":{times[0] / times[1]:0.000}");
            if (dense is not null) json.Add($"\"rows_{rows}_x_dense\":{times[0] / times[3]:0.000}");
        }
        Console.WriteLine($"{{\"benchmark\":\"experts\",{string.Join(',', json)}}}");
        foreach (var weight in first.Concat(down)) weight.Dispose();
        return 0;
    }

    static double[] Fastest(int rounds, params Action[] candidates)
    {
        var times = candidates.Select(_ => new double[rounds]).ToArray();
        for (var round = -2; round < rounds; round++)
            for (var i = 0; i < candidates.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                candidates[i]();
                if (round >= 0) times[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        return [.. times.Select(t => t.Order().ElementAt(rounds / 10))];
    }

    static Parameter Weight(int seed, int rows, int cols) => new($"{seed}", Random(seed, rows, cols, DType.BF16), precision: Precision.BF16) { ReleasedWhenPacked = true };

    static Tensor Random(int seed, int rows, int cols, DType dtype = DType.F32)
    {
        var values = new float[rows * cols];
        var state = (uint)seed * 2654435761u + 1;
        foreach (ref var x in values.AsSpan()) x = ((state = state * 1664525 + 1013904223) >> 8) / 16777216f - 0.5f;
        var tensor = Tensor.Allocate(new Shape(rows, cols), dtype);
        tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>The experts' part of a block over some rows; from call to call other experts.</summary>
    sealed class Pass : IDisposable
    {
        const int Choices = 8;
        readonly IKernels kernels;
        readonly Parameter[] first, down;
        readonly RowGroups groups;
        readonly Tensor x, hidden, activated, written, sum, factors;
        readonly Tensor[] chosen, parts;
        readonly int rows;
        int turn;

        public Pass(IKernels kernels, int rows, Parameter[] first, Parameter[] down)
        {
            (this.kernels, this.rows, this.first, this.down) = (kernels, rows, first, down);
            (groups, x, factors, sum) = (new RowGroups(E, rows, K), Random(1, rows, H), Random(2, rows, K), Random(3, rows, H));
            (hidden, activated, written) = (Random(4, rows * K, 2 * J), Random(5, rows * K, J), Random(6, rows * K, H));
            chosen = [.. Enumerable.Range(0, Choices).Select(c =>
            {
                var random = new Random(100 * c + rows);
                var experts = Tensor.Allocate(new Shape(rows, K), DType.I32);
                experts.CopyFrom([.. Enumerable.Range(0, rows).SelectMany(_ => Enumerable.Range(0, E).OrderBy(_ => random.Next()).Take(K).Order())]);
                return experts;
            })];
            parts = [Random(7, rows, H)];
            Used = chosen.Average(c => c.ToInt32Array().Distinct().Count());
        }

        public double Used { get; }

        public void Run()
        {
            groups.Sort(chosen[turn++ % Choices]);
            kernels.ExpertLinear(x, groups, true, first, null, hidden);
            kernels.GatedUnit(new Gate(GateKind.SwiGlu), hidden, activated);
            kernels.ExpertLinear(activated, groups, false, down, null, written);
            kernels.AddExperts(written, groups, factors, sum);
        }

        public void OneByOne()
        {
            groups.Sort(chosen[turn++ % Choices]);
            for (var e = 0; e < E; e++)
            {
                var (begin, count) = (groups.Starts[e], groups.Starts[e + 1] - groups.Starts[e]);
                if (count == 0) continue;
                var (wide, narrow) = (hidden.Slice(begin, count), activated.Slice(begin, count));
                kernels.Linear(count == rows ? x : parts[0].Slice(0, count), first[e], null, wide, false);
                kernels.GatedUnit(new Gate(GateKind.SwiGlu), wide, narrow);
                kernels.Linear(narrow, down[e], null, written.Slice(begin, count), false);
            }
            kernels.AddExperts(written, groups, factors, sum);
        }

        public void Dispose()
        {
            groups.Dispose();
            foreach (var tensor in (Tensor[])[x, hidden, activated, written, sum, factors, .. chosen, .. parts]) tensor.Dispose();
        }
    }

    /// <summary>One expert that sees all.</summary>
    sealed class Dense(IKernels kernels, int rows) : IDisposable
    {
        readonly Parameter first = Weight(1, 2 * J, H), down = Weight(2, H, J);
        readonly Tensor x = Random(1, rows, H), hidden = Random(2, rows, 2 * J), activated = Random(3, rows, J), written = Random(4, rows, H);

        public void Run()
        {
            kernels.Linear(x, first, null, hidden, false);
            kernels.GatedUnit(new Gate(GateKind.SwiGlu), hidden, activated);
            kernels.Linear(activated, down, null, written, false);
        }

        public void Dispose()
        {
            foreach (var parameter in (Parameter[])[first, down]) parameter.Dispose();
            foreach (var tensor in (Tensor[])[x, hidden, activated, written]) tensor.Dispose();
        }
    }
}
