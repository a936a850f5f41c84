// Reading long texts in chunks: tokens/s and memory for T = 1,024 to 32,768, with every layer seeing all keys and with every layer seeing a window. With a window the cost of a token
// must not depend on T; memory grows with the cache of keys and values (T), never with T x T, and no logits but the last row's are made.
using System.Globalization;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static class PrefillBenchmark
{
    const int Chunk = 512;

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        string Value(string name, string otherwise) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : otherwise;
        var folder = Value("--model", "assets/fledgling");
        var (window, most, rounds) = (int.Parse(Value("--window", "256")), int.Parse(Value("--most", "32768")), int.Parse(Value("--rounds", "3")));
        Paired.ProcessorTime = args.Contains("--processor-time");
        var config = TargetConfig.Read(folder);
        using var full = Target.Load(config, folder);
        using var windowed = Target.Load(config with { Windows = [.. Enumerable.Repeat(window, config.Layers)] }, folder);
        var fixedBytes = NativeBytes.Current;
        Console.WriteLine($"{config.Family.ModelType}, {config.Layers} layers, hidden {config.HiddenSize}; {Kernels.Cpu.Name}, {Gemm.Isa}, {Threads.Count} threads; chunks of {Chunk}, best of {rounds}{(Paired.ProcessorTime ? "; seconds of processor time" : "")}");
        Console.WriteLine($"\n{"T",7} {"all keys",12} {$"window {window}",14} {"us/token",10} {"against first",14} {"engine MB",11} {"of it cache",12} {"process MB",11}");
        var results = new List<string>();
        double first = 0;
        for (var i = 0; i < 3; i++)
            foreach (var target in (Target[])[full, windowed]) Read(target, 2048, out _, out _); // the compiler is done with its second look
        for (var length = 1024; length <= most; length *= 2)
        {
            // Both in turn, round by round: what disturbs one disturbs the other. Long texts of full attention once.
            double all = double.MaxValue, some = double.MaxValue;
            long cacheBytes = 0, held = 0;
            for (var round = 0; round < rounds; round++)
            {
                some = Math.Min(some, Read(windowed, length, out cacheBytes, out held));
                if (round == 0 || length <= 8192) all = Math.Min(all, Read(full, length, out _, out var more));
            }
            if (first == 0) first = some / length;
            var (engine, process) = ((held - fixedBytes) / 1e6, Machine.PeakMemoryBytes / 1e6);
            Console.WriteLine($"{length,7} {length / all,12:F0} {length / some,14:F0} {1e6 * some / length,10:F1} {some / length / first,14:F3} {engine,11:F1} {cacheBytes / 1e6,12:F1} {process,11:F0}");
            results.Add($"{{\"t\":{length},\"all_tokens_per_s\":{length / all:F0},\"window_tokens_per_s\":{length / some:F0},\"against_first\":{some / length / first:F3},\"engine_mb\":{engine:F1},\"cache_mb\":{cacheBytes / 1e6:F1},\"process_peak_mb\":{process:F0}}}");
        }
        Console.WriteLine($"tokens/s; engine MB: what the pass held beyond the weights, cache included; process MB: high-water mark so far\n{{\"benchmark\":\"prefill\",\"window\":{window},\"rows\":[{string.Join(',', results)}]}}");
        return 0;
    }

    /// <summary>Seconds of reading a text of that length from nothing, the token after it included.</summary>
    static double Read(Target target, int length, out long cacheBytes, out long heldBytes)
    {
        var before = NativeBytes.Current;
        using var cache = target.NewCache(length);
        cacheBytes = NativeBytes.Current - before;
        using var work = new TargetWorkspace(Chunk, 1);
        using var rows = new PassRows(Chunk);
        int[] text = [.. Enumerable.Range(0, length).Select(i => (i * 31 + 7) % target.Config.VocabularySize)];
        var next = new int[1];
        var start = Paired.Seconds();
        for (var at = 0; at < length; at += Chunk)
        {
            rows.Clear();
            rows.Add(cache.Sequences[0], text.AsSpan(at, Math.Min(Chunk, length - at)));
            target.Forward(rows, cache, work);
        }
        target.NextTokens(work, [rows.Count - 1], next);
        var seconds = Paired.Seconds() - start;
        heldBytes = NativeBytes.Current;
        return seconds;
    }
}
