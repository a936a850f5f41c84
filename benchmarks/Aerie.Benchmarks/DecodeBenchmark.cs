// Decoding with a target: tokens/s of reading and of plain writing, what a pass over m tokens costs beside a pass over one (what makes speculation pay), and memory.
using System.Diagnostics;
using System.Globalization;
using Aerie.Data;
using Aerie.Decoding;
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Benchmarks;

static class DecodeBenchmark
{
    const int Guesses = 5;
    static readonly int[] Rows = [1, 2, 4, 8];

    public static int Run(string[] args)
    {
        string Value(string name, string otherwise) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : otherwise;
        var folder = Value("--model", "");
        if (folder.Length == 0)
        {
            Console.Error.WriteLine("usage: Aerie.Benchmarks decode --model FOLDER [--context N] [--rounds N]");
            return 2;
        }
        var (context, rounds) = (int.Parse(Value("--context", "256"), CultureInfo.InvariantCulture), int.Parse(Value("--rounds", "15"), CultureInfo.InvariantCulture));
        foreach (var line in Tensors.Cpu.Gemm.Describe()) Console.WriteLine(line);
        var clock = Stopwatch.StartNew();
        using var target = Target.Load(folder);
        var config = target.Config;
        Console.WriteLine($"loaded in {clock.Elapsed.TotalSeconds:0.0} s");
        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(i => (i * 7919 + 13) % config.VocabularySize)];

        using var work = new TargetWorkspace(512, Rows[^1]);
        using var rows = new PassRows(512);
        using var cache = target.NewCacheWithRollback(Rows[^1], Math.Max(512, context) + Rows[^1]);
        var sequence = cache.Sequences[0];
        var (best, wanted) = (new int[Rows[^1]], Enumerable.Range(0, Rows[^1]).ToArray());
        void Pass(int length, int[] tokens, int logits)
        {
            sequence.ShortenTo(Math.Min(sequence.Length, length));
            rows.Clear();
            rows.Add(sequence, tokens);
            target.Forward(rows, cache, work);
            target.NextTokens(work, wanted.AsSpan(0, logits), best);
        }

        int[] prompt = Tokens(512);
        Pass(0, prompt, 1);
        Console.WriteLine($"native memory {NativeBytes.Current / 1e6:0} MB, peak {NativeBytes.Peak / 1e6:0} MB; process peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB");
        var prefill = 512 / Paired.Measure(Math.Max(3, rounds / 5), () => Pass(0, prompt, 1))[0];
        Console.WriteLine($"prefill of 512 tokens: {prefill:0} tokens/s");

        sequence.ShortenTo(0);
        for (var at = 0; at < context; at += 512) Pass(at, Tokens(Math.Min(512, context - at)), 1);
        int[][] drafts = [.. Rows.Select(Tokens)];
        var times = Interleaved(rounds * 10, [.. drafts.Select(draft => (Action)(() => Pass(context, draft, draft.Length)))]);
        for (var i = 0; i < Rows.Length; i++) Console.WriteLine($"pass over {Rows[i]} at context {context}: {times[i] * 1e3:0.00} ms, {times[i] / times[0]:0.000} x");

        using var decoder = new GreedyDecoder(target, sequences: 1);
        var request = new DecodingRequest(Tokens(32), 64, []);
        decoder.Decode(request);
        clock.Restart();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var written = decoder.Decode(request).Length;
        var plain = written / clock.Elapsed.TotalSeconds;
        Console.WriteLine($"plain decoding: {plain:0.0} tokens/s (prompt of 32 included), {(GC.GetAllocatedBytesForCurrentThread() - before) / written} managed bytes per token");
        var (token, roundSeconds) = Cost(target, rounds);
        var round = roundSeconds / token;
        Console.WriteLine($"a round of {Guesses} guesses by a drafter of this target's width: {round:0.00} x a plain token (a drafter of that acceptance length breaks even)");
        Shares(folder, prompt, best);
        var peak = Process.GetCurrentProcess().PeakWorkingSet64 / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{{\"benchmark\":\"decode\",\"context\":{context},\"prefill_tokens_per_s\":{prefill:0},\"plain_tokens_per_s\":{plain:0.0},\"pass_ms\":{times[0] * 1e3:0.000},\"cost_2\":{times[1] / times[0]:0.000},\"cost_4\":{times[2] / times[0]:0.000},\"cost_8\":{times[3] / times[0]:0.000},\"round_{Guesses}\":{round:0.00},\"peak_mb\":{peak:0}}}"));
        return 0;
    }

    // Where the time goes: every kernel timed from outside.
    static void Shares(string folder, int[] prompt, int[] best)
    {
        var kernels = new TimedKernels(Kernels.Cpu);
        using var target = Target.Load(folder, kernels: kernels);
        using var work = new TargetWorkspace(prompt.Length, 1);
        using var rows = new PassRows(prompt.Length);
        using var cache = target.NewCache(prompt.Length + 64);
        foreach (var (what, tokens, times) in (((string, int[], int)[])[("reading", prompt, 1), ("reading", prompt, 4), ("writing", [13], 64)]))
        {
            var start = kernels.Restart();
            for (var i = 0; i < times; i++)
            {
                if (tokens.Length > 1) cache.Sequences[0].ShortenTo(0);
                rows.Clear();
                rows.Add(cache.Sequences[0], tokens);
                target.Forward(rows, cache, work);
                target.NextTokens(work, [tokens.Length - 1], best);
            }
            var all = (double)Stopwatch.GetElapsedTime(start).Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond;
            Console.WriteLine($"{what}: {string.Join(", ", kernels.Ticks.OrderByDescending(t => t.Value).Where(t => t.Value > 0.005 * all).Select(t => $"{t.Key} {t.Value / all:0.0%}"))}");
        }
    }

    /// <summary>Seconds of each candidate, one call of each in turn: the 10th percentile, since on a busy machine the fast calls are those that nobody disturbed.</summary>
    static double[] Interleaved(int rounds, params Action[] candidates)
    {
        var times = candidates.Select(_ => new double[rounds]).ToArray();
        for (var round = 0; round < rounds; round++)
            for (var i = 0; i < candidates.Length; i++)
            {
                var start = Stopwatch.GetTimestamp();
                candidates[i]();
                times[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
        return [.. times.Select(t => t.Order().ElementAt(rounds / 10))];
    }

    // A drafter of random weights is hardly ever right: every round costs all it can, and gains one token.
    static (double PlainToken, double Round) Cost(Target target, int rounds)
    {
        var t = target.Config;
        var config = new Eagle3Config
        {
            HiddenSize = t.HiddenSize, TargetHiddenSize = t.HiddenSize, IntermediateSize = t.IntermediateSize, Heads = t.Heads, KeyValueHeads = t.KeyValueHeads, HeadSize = t.HeadSize,
            VocabularySize = t.VocabularySize, DraftVocabularySize = Math.Min(t.VocabularySize, 16384), MaxPositions = t.MaxPositions, RmsNormEps = t.RmsNormEps, Rope = t.Rope.ForDrafter, AuxLayers = t.DefaultAuxLayers,
            AuxCount = t.DefaultAuxLayers.Count,
        };
        using var drafter = new Eagle3(config, DraftVocabulary.FromD2T(new long[config.DraftVocabularySize], t.VocabularySize), Eagle3Use.Inference, 1, target.Embedding, target.Head);
        using var plain = new GreedyDecoder(target, sequences: 1);
        using var speculative = new SpeculativeDecoder(target, drafter, Guesses);
        var request = new DecodingRequest([.. Enumerable.Range(0, 32).Select(i => (i * 7919 + 13) % t.VocabularySize)], 32, []);
        long count = 0;
        speculative.Decode(request);
        var times = Interleaved(Math.Max(10, rounds), () => plain.Decode(request), () => count = speculative.Decode(request).Statistics.Rounds);
        return (times[0] / 32, times[1] / count);
    }
}
