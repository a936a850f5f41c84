// Tokenizer speed on one core: English-like text and a trained byte-level vocabulary of 128k tokens (or the tokenizer of --model FOLDER),
// whether time grows with the length only, also for texts without any place to cut, and many documents at once.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aerie.Tensors.Cpu;
using Aerie.Text;

namespace Aerie.Benchmarks;

static class TokenizerBenchmark
{
    const int Vocabulary = 128_000;

    public static int Run(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var rounds = args.Contains("--quick") ? 2 : 7;
        var at = Array.IndexOf(args, "--model");
        var english = new GeneratedEnglish();
        var folder = at >= 0 ? args[at + 1] : Generated(english);
        var start = Stopwatch.GetTimestamp();
        var tokenizer = Tokenizer.Load(folder);
        var loading = Stopwatch.GetElapsedTime(start);
        Console.WriteLine($"{CpuFeatures.Processor}, one thread, processor time; {tokenizer.VocabularySize} tokens, loaded in {loading.TotalSeconds:0.00} s\n");
        Console.WriteLine($"{"",-34} {"MB",6} {"MB/s",8} {"first",8} {"tokens/s",12} {"KB alloc/MB",12}");

        var results = new Dictionary<string, double>();
        foreach (var megabytes in (double[])[0.1, 1, 10]) Row($"English, {megabytes} MB", seed => english.Text((int)(megabytes * 1e6), seed));
        if (Directory.Exists("docs")) Row("the repository's documents", _ => string.Concat(Directory.EnumerateFiles(".", "*.md", SearchOption.AllDirectories).Where(f => !f.Contains("artifacts")).Order(StringComparer.Ordinal).Select(File.ReadAllText)));
        foreach (var (name, unit) in ((string, string)[])[("one letter", "a"), ("spaces", " "), ("digits", "7"), ("emoji", "\U0001F985"), ("Chinese", "\u4E2D"), ("newlines", "\n"), ("'a '", "a ")])
        {
            foreach (var size in (int[])[100_000, 1_000_000, 10_000_000]) Row($"{name}, {size / 1e6} MB", _ => string.Concat(Enumerable.Repeat(unit, size / Encoding.UTF8.GetByteCount(unit))));
        }
        foreach (var size in (int[])[100_000, 1_000_000, 10_000_000]) Row($"random letters, {size / 1e6} MB", seed => string.Create(size, new Random(seed), (span, dice) =>
        {
            foreach (ref var c in span) c = (char)('a' + dice.Next(26));
        }));
        Documents(tokenizer, english, rounds, results);
        Console.WriteLine("{" + string.Join(", ", results.Select(r => $"\"{JsonEncodedText.Encode(r.Key)}\": {r.Value:0.##}")) + "}");
        return 0;

        // A new text each round: only the first one meets an empty cache of words.
        void Row(string name, Func<int, string> text)
        {
            var fresh = Tokenizer.Load(folder);
            var (speeds, allocated, tokens, first, size) = (new List<double>(), 0L, 0, 0.0, 0);
            for (var round = -1; round < rounds; round++)
            {
                var next = text(round + 1);
                size = Encoding.UTF8.GetByteCount(next);
                var (time, bytes) = (Environment.CpuUsage.TotalTime, GC.GetAllocatedBytesForCurrentThread());
                tokens = fresh.Encode(next).Count;
                var speed = size / 1e6 / Math.Max((Environment.CpuUsage.TotalTime - time).TotalSeconds, 1e-6);
                allocated = GC.GetAllocatedBytesForCurrentThread() - bytes;
                if (round < 0) first = speed;
                else speeds.Add(speed);
            }
            var median = Paired.Median([.. speeds]);
            Console.WriteLine($"{name,-34} {size / 1e6,6:0.0} {median,8:0.0} {first,8:0.0} {median * 1e6 * tokens / size,12:0} {allocated / 1024.0 / (size / 1e6),12:0}");
            results[$"{name} MB/s"] = median;
        }
    }

    // The data path: conversations of a few KB, by all threads.
    static void Documents(Tokenizer tokenizer, GeneratedEnglish english, int rounds, Dictionary<string, double> results)
    {
        string[] documents = [.. Enumerable.Range(0, 2000).Select(seed => english.Text(4000, seed))];
        var megabytes = documents.Sum(d => Encoding.UTF8.GetByteCount(d)) / 1e6;
        var times = Paired.Measure(rounds, () => Array.ForEach(documents, d => tokenizer.Encode(d)), () => tokenizer.EncodeAll(documents));
        Console.WriteLine($"\n{documents.Length} documents of 4 KB: one by one {megabytes / times[0]:0.0} MB/s, all at once {megabytes / times[1]:0.0} MB/s by the clock ({Environment.ProcessorCount} processors)");
        (results["documents one by one MB/s"], results["documents at once MB/s"]) = (megabytes / times[0], megabytes / times[1]);
    }

    static string Generated(GeneratedEnglish english)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"aerie-benchmark-tokenizer-{Vocabulary}");
        var file = Path.Combine(folder, Tokenizer.FileName);
        if (File.Exists(file)) return folder;
        var start = Stopwatch.GetTimestamp();
        Directory.CreateDirectory(folder);
        english.WriteTokenizer(file + ".part", Vocabulary);
        File.Move(file + ".part", file);
        Console.WriteLine($"trained a vocabulary of {Vocabulary} in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s: {folder}");
        return folder;
    }
}
