// Loading a checkpoint, beside what it cannot do without: reading the file's bytes once and packing its matrices once. Both in one process, in turns; the file is in the page cache.
using System.Diagnostics;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static unsafe class LoadBenchmark
{
    public static int Run(string[] args)
    {
        string Value(string name, string otherwise) => Array.IndexOf(args, name) is var i and >= 0 && i + 1 < args.Length ? args[i + 1] : otherwise;
        var folder = Value("--model", "");
        if (folder.Length == 0)
        {
            Console.Error.WriteLine("usage: Aerie.Benchmarks load --model FOLDER [--rounds N]");
            return 2;
        }
        foreach (var line in Gemm.Describe()) Console.WriteLine(line);
        var rounds = int.Parse(Value("--rounds", "7"), System.Globalization.CultureInfo.InvariantCulture);
        var before = NativeBytes.Current;
        using (Target.Load(folder)) Console.WriteLine($"native memory: {(NativeBytes.Current - before) / 1e6:0} MB held, {(NativeBytes.Peak - before) / 1e6:0} MB at the peak of loading; process peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB");
        var (load, least) = (new double[rounds], new double[rounds]);
        for (var i = 0; i < rounds; i++)
        {
            var clock = Stopwatch.StartNew();
            using (Target.Load(folder)) load[i] = clock.Elapsed.TotalSeconds;
            least[i] = ReadAndPack(folder);
        }
        double Median(IEnumerable<double> values) => values.Order().ElementAt(rounds / 2);
        Console.WriteLine($"load {Median(load):0.000} s; reading the bytes and packing the matrices once {Median(least):0.000} s: {Median(load.Zip(least, (l, m) => l / m)):0.00} x, the median of {rounds} pairs");
        return 0;
    }

    // Every byte into a buffer; every matrix packed from memory, as products of its precision read it.
    static double ReadAndPack(string folder)
    {
        using var files = SafetensorsFolder.Open(folder);
        var precision = files.Entries.MaxBy(e => e.ByteLength)!.Type == SafetensorsType.BF16 ? Precision.BF16 : Precision.F32;
        var buffer = new byte[4 << 20];
        var packed = new List<Parameter>();
        double seconds = 0;
        foreach (var entry in files.Entries)
        {
            var clock = Stopwatch.StartNew();
            for (long at = 0; at < entry.ByteLength; at += buffer.Length) files.Bytes(entry.Name, at, (int)Math.Min(buffer.Length, entry.ByteLength - at)).CopyTo(buffer);
            seconds += clock.Elapsed.TotalSeconds;
            if (entry.Shape is not [var rows, var cols] || entry.Type is not (SafetensorsType.BF16 or SafetensorsType.F32)) continue;
            var value = Tensor.Allocate(new Shape((int)rows, (int)cols), entry.Type == SafetensorsType.BF16 ? DType.BF16 : DType.F32);
            for (long at = 0; at < rows; at++) value.Slice((int)at, 1).CopyFromBytes(files.Bytes(entry.Name, at * cols * entry.Type.ByteSize(), (int)cols * entry.Type.ByteSize()));
            clock.Restart();
            packed.Add(new Parameter("", value, precision: precision) { ReleasedWhenPacked = true });
            Kernels.Cpu.Prepare(packed[^1]);
            seconds += clock.Elapsed.TotalSeconds;
        }
        packed.ForEach(p => p.Dispose());
        return seconds;
    }
}
