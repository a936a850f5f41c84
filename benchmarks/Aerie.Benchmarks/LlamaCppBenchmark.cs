// The same model here and in llama.cpp's own tool (llama-bench; benchmarks/llama.cpp says how to get it), in turns in one run: reading 512 tokens, writing 128 from nothing with one sequence,
// and here also with eight at once. Equal threads, weights of 16 bits on both sides. Ratios are medians of the ratios within a round.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Aerie.Decoding;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static class LlamaCppBenchmark
{
    const int Prompt = 512, Written = 128, Several = 8;

    public static int Run(string[] args)
    {
        string[] Values(string name) => [.. args.Zip(args.Skip(1)).Where(pair => pair.First == name).Select(pair => pair.Second)];
        var (folders, tools, files) = (Values("--model"), Values("--bench"), Values("--gguf"));
        if (folders.Length != 1 || tools.Length != 1 || files.Length == 0)
        {
            Console.Error.WriteLine("usage: Aerie.Benchmarks llama.cpp --model FOLDER --bench llama-bench --gguf FILE [--gguf FILE ...] [--rounds N]");
            return 2;
        }
        var rounds = Values("--rounds") is [var text, ..] ? int.Parse(text, CultureInfo.InvariantCulture) : 5;
        foreach (var line in Gemm.Describe()) Console.WriteLine(line);
        using var target = Target.Load(folders[0]);
        using var ours = new Ours(target);
        ours.Read();
        var here = new List<(double Read, double One, double Eight)>();
        var there = files.Select(_ => new List<(double Read, double One)>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            here.Add((ours.Read(), ours.Write(1), ours.Write(Several)));
            for (var i = 0; i < files.Length; i++) there[i].Add(Theirs(tools[0], files[i]));
        }
        Console.WriteLine($"\n| tokens/s, {Threads.Count} threads | reading {Prompt} | writing {Written}, one sequence | {Several} sequences |\n|---|---:|---:|---:|");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| Aerie, {target.Config.Family.Architecture} | {Median(here.Select(h => h.Read)):0} | {Median(here.Select(h => h.One)):0.0} | {Median(here.Select(h => h.Eight)):0.0} |"));
        for (var i = 0; i < files.Length; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| llama.cpp, {Path.GetFileName(files[i])} | {Median(there[i].Select(t => t.Read)):0} | {Median(there[i].Select(t => t.One)):0.0} | |"));
        for (var i = 0; i < files.Length; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Aerie / llama.cpp ({Path.GetFileName(files[i])}): reading {Median(here.Zip(there[i], (h, t) => h.Read / t.Read)):0.00} x, writing {Median(here.Zip(there[i], (h, t) => h.One / t.One)):0.00} x"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"eight sequences / one: {Median(here.Select(h => h.Eight / h.One)):0.00} x; process peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB"));
        return 0;
    }

    static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    static (double Read, double One) Theirs(string tool, string file)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, ["-m", file, "-t", $"{Threads.Count}", "-p", $"{Prompt}", "-n", $"{Written}", "-r", "3", "-o", "json"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        using var json = JsonDocument.Parse(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        double Of(string key) => json.RootElement.EnumerateArray().Where(test => test.GetProperty(key).GetInt32() > 0)
            .Select(test => Median(test.GetProperty("samples_ts").EnumerateArray().Select(s => s.GetDouble()))).Single();
        return (Of("n_prompt"), Of("n_gen"));
    }

    sealed class Ours : IDisposable
    {
        readonly Target target;
        readonly TargetWorkspace work = new(Prompt, Several);
        readonly PassRows rows = new(Prompt);
        readonly KeyValueCache cache;
        readonly int[] wanted = [.. Enumerable.Range(0, Several)], best = new int[Several], prompt;

        public Ours(Target target)
        {
            this.target = target;
            prompt = [.. Enumerable.Range(0, Prompt).Select(i => (i * 7919 + 13) % target.Config.VocabularySize)];
            cache = target.NewCache([.. Enumerable.Repeat(Prompt, Several)]);
        }

        public double Read() => Prompt / Median(Enumerable.Range(0, 3).Select(_ => Seconds(() =>
        {
            cache.Sequences[0].ShortenTo(0);
            rows.Clear();
            rows.Add(cache.Sequences[0], prompt);
            target.Forward(rows, cache, work);
            target.NextTokens(work, [Prompt - 1], best);
        })));

        public double Write(int sequences) => Written * sequences / Median(Enumerable.Range(0, 3).Select(_ => Seconds(() =>
        {
            for (var i = 0; i < sequences; i++) best[i] = prompt[i];
            for (var i = 0; i < sequences; i++) cache.Sequences[i].ShortenTo(0);
            for (var step = 0; step < Written; step++)
            {
                rows.Clear();
                for (var i = 0; i < sequences; i++) rows.Add(cache.Sequences[i], best.AsSpan(i, 1));
                target.Forward(rows, cache, work);
                target.NextTokens(work, wanted.AsSpan(0, sequences), best);
            }
        })));

        static double Seconds(Action run)
        {
            var clock = Stopwatch.StartNew();
            run();
            return clock.Elapsed.TotalSeconds;
        }

        public void Dispose()
        {
            foreach (var memory in (IDisposable[])[work, rows, cache]) memory.Dispose();
        }
    }
}
