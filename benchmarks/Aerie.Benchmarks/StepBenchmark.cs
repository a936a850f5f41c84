// Training steps of small Llama models, and where their time goes: every kernel is timed from outside.
using System.Diagnostics;
using System.Globalization;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static class StepBenchmark
{
    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var steps = args.Contains("--quick") ? 3 : 10;
        Console.WriteLine($"{Kernels.Cpu.Name}, {CpuFeatures.Processor}, {Threads.Count} threads, {steps} steps, bf16 products");
        foreach (var (hidden, inner, heads, keyHeads, vocabulary, rows, layers) in
            ((int, int, int, int, int, int, int)[])[(576, 1536, 9, 3, 16384, 1024, 4), (192, 512, 6, 2, 1024, 1024, 4)])
            Model(hidden, inner, heads, keyHeads, vocabulary, rows, layers, steps);
        return 0;
    }

    static void Model(int hidden, int inner, int heads, int keyHeads, int vocabulary, int rows, int layers, int steps)
    {
        var layout = HeadLayout.Fused(heads, keyHeads, hidden / heads);
        var random = new CounterRandom(1, "step");
        List<Parameter> parameters = [];
        Parameter New(int r, int c)
        {
            var value = Tensor.Allocate(new Shape(r, c));
            random.FillNormal(value, 0.05f);
            parameters.Add(new Parameter($"p{parameters.Count}", value, true, Precision.BF16));
            return parameters[^1];
        }
        var (embedding, norm) = (New(vocabulary, hidden), New(1, hidden));
        var blocks = Enumerable.Range(0, layers).Select(_ => (Qkv: New(layout.FusedWidth, hidden), Out: New(hidden, hidden), GateUp: New(2 * inner, hidden), Down: New(hidden, inner))).ToArray();
        var kernels = new TimedKernels(Kernels.Cpu);
        using var rotary = new RotaryTable(RotaryTable.Default(hidden / heads, 1e4), 1, rows);
        using var adam = new AdamW(kernels, parameters, new AdamWSettings());
        using var tape = new Tape(kernels);
        int[] ids = [.. Enumerable.Range(0, rows).Select(i => i * 7919 % vocabulary)];
        var total = 0L;
        for (var step = -2; step < steps; step++)
        {
            if (step == 0) total = kernels.Restart();
            tape.Reset();
            var x = tape.Embedding(embedding, tape.New(ids));
            var positions = tape.New([.. Enumerable.Range(0, rows)]);
            var intervals = tape.New([.. Enumerable.Range(0, rows).SelectMany(r => new[] { 0, r + 1 })]).Reshape(new Shape(rows, 2));
            foreach (var block in blocks)
            {
                var qkv = tape.Rope(tape.NormLinear(x, norm, 1e-5f, block.Qkv), 0, heads + keyHeads, rotary, positions);
                x = tape.LinearAdd(x, tape.Attention(layout, qkv, qkv, intervals), block.Out);
                x = tape.GatedMlp(x, norm, 1e-5f, block.GateUp, null, block.Down, null);
            }
            tape.LinearCrossEntropy(tape.RmsNorm(x, norm, 1e-5f), embedding, tape.New(ids), tape.New([.. ids.Select(_ => 1f / rows)], new Shape(rows)));
            tape.Backward();
            adam.Update(1e-4, adam.GradientNorm(1), 1, 1);
        }
        var ms = Stopwatch.GetElapsedTime(total).TotalMilliseconds / steps;
        Console.WriteLine($"\nhidden {hidden}, intermediate {inner}, heads {heads}/{keyHeads}, vocabulary {vocabulary}, {rows} rows, {layers} layers: {ms:F1} ms a step, {rows / ms * 1000:F0} rows/s, "
            + $"{parameters.Sum(p => p.Value.Count) / 1e6:F1} M parameters, arena {tape.Arena.HighWater >> 20} MiB");
        var known = 0.0;
        foreach (var (name, ticks) in kernels.Ticks.OrderByDescending(t => t.Value))
        {
            var each = ticks * 1000.0 / Stopwatch.Frequency / steps;
            known += each;
            Console.WriteLine($"  {name,-24} {each,9:F2} ms {each / ms,7:P1}");
        }
        Console.WriteLine($"  {"rest",-24} {ms - known,9:F2} ms {1 - known / ms,7:P1}");
        foreach (var p in parameters) p.Dispose();
        tape.Arena.Dispose();
    }
}
