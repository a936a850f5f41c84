// What this machine is: for `aerie doctor`, environment.json and reports. Nothing here decides anything.
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Json;

namespace Aerie;

/// <summary>The machine and the program, in words and numbers.</summary>
/// <param name="Cpu">The processor's own name.</param>
/// <param name="Cores">Logical processors that this process may use.</param>
/// <param name="InstructionSets">The vector instruction sets that matter here, widest first.</param>
/// <param name="MemoryBytes">Memory that this process may use.</param>
/// <param name="FreeMemoryBytes">Memory that is free now; 0 where it is not known.</param>
/// <param name="OperatingSystem">Name and version.</param>
/// <param name="Runtime">".NET 10.0.1".</param>
/// <param name="Aerie">Version, with the commit if the build knew it.</param>
public sealed record Machine(string Cpu, int Cores, IReadOnlyList<string> InstructionSets, long MemoryBytes, long FreeMemoryBytes, string OperatingSystem, string Runtime, string Aerie)
{
    /// <summary>Looks.</summary>
    public static Machine Look() => new(
        ProcField("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        Sets(),
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Kilobytes("MemAvailable"),
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        typeof(Machine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    /// <summary>The most memory that this process has had resident so far, in bytes; 0 where the system does not say.</summary>
    public static long PeakMemoryBytes => ProcField("/proc/self/status", "VmHWM")?.Split(' ')[0] is { } kb && long.TryParse(kb, out var n) ? n * 1024 : Environment.WorkingSet;

    /// <summary>Free bytes on the disk that holds a folder; null where the system does not say.</summary>
    public static long? FreeDiskBytes(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>As properties of an open JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("cpu", Cpu);
        json.WriteNumber("cores", Cores);
        json.WriteStartArray("instruction_sets");
        foreach (var set in InstructionSets) json.WriteStringValue(set);
        json.WriteEndArray();
        json.WriteNumber("memory_bytes", MemoryBytes);
        json.WriteString("operating_system", OperatingSystem);
        json.WriteString("runtime", Runtime);
        json.WriteString("aerie", Aerie);
    }

    static List<string> Sets()
    {
        // .NET does not expose AMX and AVX512_BF16; the kernel's list does (on Linux).
        var flags = (ProcField("/proc/cpuinfo", "flags") ?? "").Split(' ');
        var sets = new List<string>();
        if (flags.Contains("amx_bf16")) sets.Add("AMX-BF16");
        if (flags.Contains("avx512_bf16")) sets.Add("AVX512-BF16");
        if (Avx512F.IsSupported) sets.Add("AVX-512");
        if (Avx2.IsSupported) sets.Add("AVX2");
        if (Fma.IsSupported) sets.Add("FMA");
        return sets;
    }

    static long Kilobytes(string field) => ProcField("/proc/meminfo", field)?.Split(' ')[0] is { } kb && long.TryParse(kb, out var n) ? n * 1024 : 0;

    static string? ProcField(string file, string field)
    {
        if (!File.Exists(file)) return null;
        var line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith(field, StringComparison.Ordinal));
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
