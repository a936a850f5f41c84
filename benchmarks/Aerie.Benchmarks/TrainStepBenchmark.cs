// The training step of an EAGLE-3 drafter: time of a step (and of the optimizer's update) beside the time that the same products take alone, at
// 100 % and at 48 % supervised tokens, memory beside weights + gradients + moments, and growth over many small steps.
// Required products, in multiply-adds; F = (n + 2m) d fused columns, N keys, R_k slots that still learn at step k or later, S_k supervised at k, U tokens:
//   forward  N A·Ht H (fc) + U H F (embedding half) + N H 2md (keys, values of step 0) + R_0 H nd + Σ_{k>=1} R_k H F + Σ_k R_k (nd H + 3 H I) + Σ_k S_k H Vd
//   backward the same again for every weight's gradient, and again for every input's, but fc's: its inputs are frozen
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;
using Aerie.Training;

namespace Aerie.Benchmarks;

static class TrainStepBenchmark
{
    const int Tokens = 1024, Steps = 7;
    static readonly Dictionary<string, double> Results = [];

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        // On a machine that others use too, the processor's time (all threads together) says more than the clock.
        Paired.ProcessorTime = args.Contains("--processor-time");
        var at = Array.IndexOf(args, "--rounds");
        var rounds = at >= 0 ? int.Parse(args[at + 1]) : args.Contains("--quick") ? 1 : 5;
        foreach (var line in Gemm.Describe()) Console.WriteLine(line);
        Console.WriteLine($"{Kernels.Cpu.Name}, {Threads.Count} threads, T {Tokens}, {Steps} TTT steps, median of {rounds}{(Paired.ProcessorTime ? ", seconds of processor time" : "")}\n");
        if (!args.Contains("--large")) Measure("hidden 576, intermediate 1536, 9/3 heads, draft vocabulary 16384", Network(576, 1536, 9, 3, 16384), rounds);
        if (!args.Contains("--small")) Measure("hidden 2048, intermediate 8192, 32/8 heads, draft vocabulary 32000", Network(2048, 8192, 32, 8, 32000), rounds);
        if (!args.Contains("--quick")) Growth();
        Console.WriteLine(JsonSerializer.Serialize(Results));
        return 0;
    }

    static Eagle3Config Network(int hidden, int intermediate, int heads, int keyHeads, int vocabulary) => new()
    {
        HiddenSize = hidden, TargetHiddenSize = hidden, IntermediateSize = intermediate, Heads = heads, KeyValueHeads = keyHeads, HeadSize = 64,
        VocabularySize = vocabulary, DraftVocabularySize = vocabulary, MaxPositions = 2048, RmsNormEps = 1e-5f, Rope = new RopeConfig("default", 10000),
    };

    sealed record Problem(Eagle3 Drafter, Eagle3Trainer Trainer, AdamW Optimizer) : IDisposable
    {
        public static Problem Of(Eagle3Config config, int steps, Parameter embedding)
        {
            var drafter = new Eagle3(config, DraftVocabulary.Full(config.VocabularySize), new Eagle3Use(true, Precision: Precision.BF16), 1, embedding);
            return new(drafter, new Eagle3Trainer(drafter, new Eagle3Settings { TttSteps = steps }), new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings()));
        }

        /// <summary>Weights, gradients and moments.</summary>
        public long OwnBytes => Drafter.Parameters.Sum(p => p.Value.Bytes * 4);

        public double Update(Eagle3Batch batch) => TrainingUpdate.Run(Trainer, Optimizer, [batch], 1e-5, 1).Loss;

        public void Dispose()
        {
            Optimizer.Dispose();
            Trainer.Dispose();
            Drafter.Dispose();
        }
    }

    static Parameter Embedding(Eagle3Config config) => new("embed", Numbers(config.VocabularySize, config.HiddenSize, 0.02f));

    static Tensor Numbers(int rows, int cols, float deviation)
    {
        var tensor = Tensor.Allocate(new Shape(rows, cols));
        new CounterRandom(7, $"{rows} {cols}").FillNormal(tensor, deviation);
        return tensor;
    }

    /// <summary>One document; turns of 64 tokens, of each the last <paramref name="share"/> supervised.</summary>
    static Eagle3Batch Batch(Eagle3Config config, int tokens, double share, Tensor aux, Tensor probabilities) => new()
    {
        Rows = 1, Length = tokens, InputIds = Enumerable.Range(0, tokens).Select(t => t * 7919 % config.VocabularySize).ToArray(),
        LossMask = Enumerable.Range(0, tokens).Select(t => t % 64 >= 64 - Math.Round(64 * share)).ToArray(),
        AuxHiddenStates = aux, Teacher = new TargetProbabilities(probabilities, Enumerable.Repeat(true, tokens).ToArray()),
    };

    static Tensor Probabilities(int rows, int cols)
    {
        using var logits = Numbers(rows, cols, 2);
        using var ids = Tensor.From([.. Enumerable.Range(0, cols)]);
        using var argmax = Tensor.Allocate(new Shape(rows), DType.I32);
        var probabilities = Tensor.Allocate(new Shape(rows, cols));
        Kernels.Cpu.SelectedSoftmax(logits, ids, probabilities, argmax, null);
        return probabilities;
    }

    /// <summary>Median seconds of each action, all of them in turn in every round (the products of <see cref="Products.Of"/> were the warm-up).</summary>
    static double[] Times(int rounds, Action[] actions)
    {
        var times = actions.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
            for (var i = 0; i < actions.Length; i++)
            {
                var start = Paired.Seconds();
                actions[i]();
                times[i][round] = Paired.Seconds() - start;
            }
        return Array.ConvertAll(times, Paired.Median);
    }

    static void Measure(string name, Eagle3Config config, int rounds)
    {
        Console.WriteLine(name);
        using var embedding = Embedding(config);
        using Tensor aux = Numbers(Tokens, config.AuxWidth, 1), probabilities = Probabilities(Tokens, config.DraftVocabularySize);
        var outside = NativeBytes.Current;
        using var problem = Problem.Of(config, Steps, embedding);
        var shares = new[] { 1, 0.48 };
        var batches = shares.Select(share => Batch(config, Tokens, share, aux, probabilities)).ToArray();
        var products = batches.Select(batch => Products.Of(problem, batch)).ToArray();
        using var square = new Square();
        square.Run();
        foreach (var product in products) product.Run(compute: false);
        var t = Times(rounds, [.. batches.SelectMany((batch, i) => new Action[]
        {
            () => problem.Trainer.Step(batch),
            () => problem.Optimizer.Update(1e-5, problem.Optimizer.GradientNorm(1), 1, 1),
            products[i].Run,
        }), square.Run]);
        foreach (var i in new[] { 1, 4 }) t[i] += t[i - 1];
        var machine = Square.Flops / t[6];
        // Before the products' own operands and after all steps: what a training run holds.
        var memory = (products[0].PeakBefore - outside - problem.OwnBytes) / 1e9;
        Console.WriteLine($"  bf16 product 2048 x 2048 x 2048: {machine / 1e9:F0} GFLOP/s");
        Console.WriteLine("  supervised  required TFLOP   step s  of that speed   with update s  of that speed   its products alone s  share of the step");
        for (var i = 0; i < shares.Length; i++)
        {
            var (step, update, alone) = (t[3 * i], t[3 * i + 1], t[3 * i + 2]);
            var required = products[i].Required;
            Console.WriteLine($"  {shares[i],10:P0} {required / 1e12,15:F2} {step,8:F2} {required / machine / step,14:P0} {update,15:F2} {required / machine / update,14:P0} {alone,22:F2} {alone / step,18:P0}");
            Results[$"{name}: {shares[i]:P0} step s"] = step;
            Results[$"{name}: {shares[i]:P0} required products at the machine's speed / step"] = required / machine / step;
            Results[$"{name}: {shares[i]:P0} required products at the machine's speed / step with update"] = required / machine / update;
            Results[$"{name}: {shares[i]:P0} tokens/s"] = Tokens / update;
        }
        Console.WriteLine($"  time at 48 % / time at 100 %: {t[3] / t[0]:F3} (with update {t[4] / t[1]:F3})");
        Console.WriteLine($"  weights + gradients + moments {problem.OwnBytes / 1e9:F2} GB; beyond them at the peak {memory:F2} GB (activations {problem.Trainer.PeakActivationBytes / 1e9:F2} GB, the rest packed weights), teacher and features {outside / 1e9:F2} GB\n");
        Results[$"{name}: 48 % / 100 %"] = t[3] / t[0];
        Results[$"{name}: GB beyond weights, gradients, moments"] = memory;
        foreach (var product in products) product.Dispose();
    }

    /// <summary>The machine's own speed: a large square product with a packed weight.</summary>
    sealed unsafe class Square : IDisposable
    {
        const int N = 2048, Times = 8;
        public const double Flops = 2.0 * N * N * N * Times;
        readonly Tensor a = Numbers(N, N, 1), c = Tensor.Allocate(new Shape(N, N));
        readonly PackedMatrix b;

        public Square() => b = PackedMatrix.Pack(Precision.BF16, new MatrixView(a.Floats, N, N).T);

        public void Run()
        {
            for (var i = 0; i < Times; i++) Gemm.Multiply(new MatrixView(a.Floats, N, N), b, c.Floats, N);
        }

        public void Dispose()
        {
            a.Dispose();
            b.Dispose();
            c.Dispose();
        }
    }

    /// <summary>The products of one step, as the trainer makes them, with operands of their own.</summary>
    sealed class Products : IDisposable
    {
        readonly List<(Columns W, int Rows, bool Inputs)> products = [];
        readonly Dictionary<(int, int, string), Tensor> operands = [];

        /// <summary>Floating-point operations that the step cannot do without, and that <see cref="Run"/> does.</summary>
        public double Required { get; private set; }
        public double Done { get; private set; }
        public long PeakBefore { get; private set; }

        public static Products Of(Problem problem, Eagle3Batch batch)
        {
            var (all, drafter, config) = (new Products(), problem.Drafter, problem.Drafter.Config);
            var (keys, slots, supervised) = (0, new List<int>(), new List<int>());
            problem.Trainer.Observe = (what, _, _, rows) =>
            {
                if (what == "projected") keys = rows.Count;
                if (what == "hidden") slots.Add(rows.Count);
                if (what == "head") supervised.Add(rows.Count);
            };
            problem.Update(batch);
            problem.Trainer.Observe = null;
            problem.Update(batch);
            all.PeakBefore = NativeBytes.Peak;

            var (hidden, heads) = (config.HiddenSize, drafter.Heads);
            all.Add(drafter.Fc, keys, false);
            all.Add(drafter.AttentionIn.Columns(0, hidden), batch.InputIds.ToArray().Distinct().Count(), true);
            for (var k = 0; k < slots.Count; k++)
            {
                all.Add(drafter.AttentionIn.Columns(hidden, hidden), k == 0 ? keys : slots[k], true);
                all.Add(drafter.AttentionOut, slots[k], true);
                all.Add(drafter.GateUp, slots[k], true);
                all.Add(drafter.Down, slots[k], true);
            }
            foreach (var rows in supervised) all.Add(drafter.Head, rows, true);
            all.Required = all.Done - 6.0 * (keys - slots[0]) * hidden * heads.Heads * heads.HeadSize; // queries of step 0 where nobody asks
            return all;
        }

        void Add(Columns w, int rows, bool inputs)
        {
            products.Add((w, rows, inputs));
            Done += (inputs ? 6.0 : 4.0) * rows * w.Rows * w.Count;
        }

        Tensor Operand(int rows, int cols, string use)
        {
            if (!operands.TryGetValue((rows, cols, use), out var tensor)) operands.Add((rows, cols, use), tensor = Numbers(rows, cols, 1));
            return tensor;
        }

        public void Run() => Run(compute: true);

        /// <param name="compute">False: only makes the operands.</param>
        public void Run(bool compute)
        {
            foreach (var (w, rows, inputs) in products)
            {
                // As the loss does: logits never live whole.
                var chunk = w.Rows >= 8 * w.Count ? Math.Clamp((1 << 25) / w.Rows, 64, 1024) : rows;
                for (var begin = 0; begin < rows; begin += chunk)
                {
                    var count = Math.Min(chunk, rows - begin);
                    Tensor x = Operand(count, w.Count, "input"), y = Operand(count, w.Rows, "output");
                    var dx = inputs ? Operand(count, w.Count, "gradient") : null;
                    if (!compute) continue;
                    Kernels.Cpu.Linear(x, w, null, y, false);
                    if (dx is not null) Kernels.Cpu.LinearBackwardInput(y, w, dx, false);
                    Kernels.Cpu.LinearBackwardWeight(y, x, w, null);
                }
                w.Parameter.Gradient!.Clear();
            }
        }

        public void Dispose()
        {
            foreach (var tensor in operands.Values) tensor.Dispose();
        }
    }

    /// <summary>200 steps of a small drafter: native bytes and the process's memory do not grow after the first ten.</summary>
    static void Growth()
    {
        var config = Network(128, 256, 2, 1, 512);
        using var embedding = Embedding(config);
        using Tensor aux = Numbers(256, config.AuxWidth, 1), probabilities = Probabilities(256, config.DraftVocabularySize);
        using var problem = Problem.Of(config, Steps, embedding);
        var (native, resident, managed) = (0L, 0L, 0L);
        for (var step = 0; step < 210; step++)
        {
            problem.Update(Batch(config, 256, 0.3 + step % 8 * 0.1, aux, probabilities));
            if (step == 9) (native, resident, managed) = (NativeBytes.Current, Resident(), GC.GetTotalAllocatedBytes());
        }
        Console.WriteLine($"200 small steps: native memory {NativeBytes.Current - native:+0;-0;0} bytes, resident {(Resident() - resident) / 1048576.0:+0.0;-0.0;0} MiB, managed allocation {(GC.GetTotalAllocatedBytes() - managed) / 200 / 1024} KiB a step\n");
        Results["growth of native bytes over 200 steps"] = NativeBytes.Current - native;
    }

    static long Resident()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
