// `aerie doctor`: what this machine has, which kernels were chosen, what is missing.
using System.CommandLine;
using Aerie.Tensors.Cpu;

namespace Aerie.Cli.Verbs;

static class DoctorVerb
{
    public static Command Create() => new Verb("doctor", "Show what this machine has, which kernels run on it, and what is missing.", "aerie doctor").Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var machine = Machine.Look();
        var disk = Machine.FreeDiskBytes(".");
        var missing = Missing(machine, disk).ToList();
        if (screen.Json)
        {
            screen.Write(json =>
            {
                json.WriteStartObject();
                machine.Write(json);
                json.WriteNumber("free_memory_bytes", machine.FreeMemoryBytes);
                if (disk is { } free) json.WriteNumber("free_disk_bytes", free);
                json.WriteNumber("threads", Threads.Count);
                json.WriteStartArray("kernels");
                foreach (var line in Gemm.Describe()) json.WriteStringValue(line);
                json.WriteEndArray();
                json.WriteStartArray("missing");
                foreach (var line in missing) json.WriteStringValue(line);
                json.WriteEndArray();
                json.WriteEndObject();
            });
            return ExitCode.Done;
        }
        screen.Line($"aerie             {machine.Aerie}, {machine.Runtime}, {machine.OperatingSystem}");
        screen.Line($"processor         {machine.Cpu}, {machine.Cores} logical cores");
        screen.Line($"instruction sets  {(machine.InstructionSets.Count > 0 ? string.Join(", ", machine.InstructionSets) : "none that matter here")}");
        screen.Line($"memory            {Gigabytes(machine.MemoryBytes)}, {Gigabytes(machine.FreeMemoryBytes)} free");
        if (disk is { } d) screen.Line($"disk              {Gigabytes(d)} free in this folder");
        foreach (var line in Gemm.Describe().Skip(1)) screen.Line($"kernels           {line}");
        foreach (var line in missing) screen.Line($"missing           {line}");
        if (missing.Count == 0) screen.Line("missing           nothing");
        return ExitCode.Done;
    }

    static IEnumerable<string> Missing(Machine machine, long? disk)
    {
        if (!machine.InstructionSets.Contains("AVX2")) yield return "AVX2: the portable kernels work, ten times slower";
        if (machine.FreeMemoryBytes is > 0 and < 1L << 30) yield return "free memory: quickstart needs 1 GB";
        if (disk < 200L << 20) yield return "free disk space in this folder: quickstart writes 100 MB";
    }

    static string Gigabytes(long bytes) => $"{bytes / (double)(1 << 30):0.0} GB";
}
