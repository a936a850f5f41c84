// Where the golden cases are: tests/golden, found by walking up from the test program.
using System.Text.Json;

namespace Aerie.Tests;

static class Golden
{
    static readonly string Root = FindRoot();

    /// <summary>The full path of a file or folder under tests/golden.</summary>
    internal static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    /// <summary>The case folders of a group, by name.</summary>
    internal static IEnumerable<string> Names(string group) =>
        Directory.EnumerateFiles(Path(group), "case.json", SearchOption.AllDirectories).Select(f => System.IO.Path.GetRelativePath(Path(group), System.IO.Path.GetDirectoryName(f)!)).Order(StringComparer.Ordinal);

    /// <summary>The same for a theory.</summary>
    internal static TheoryData<string> Cases(string group) => [.. Names(group)];

    /// <summary>The objects of a file of JSON lines.</summary>
    internal static IEnumerable<JsonElement> Lines(params string[] parts) => File.ReadLines(Path(parts)).Select(line => JsonDocument.Parse(line).RootElement);

    /// <summary>Computes a case as `aerie parity` does; every value must be within its tolerance.</summary>
    internal static void Check(string group, string name)
    {
        var report = Aerie.Parity.ParityRun.Run(Path(group, name));
        Assert.True(report.Outcome == Aerie.Parity.ParityOutcome.Within, $"{report.Message} {string.Join("\n", report.Results.Where(r => !r.Within))}");
    }

    /// <summary>A folder for a test to write in; removed when disposed.</summary>
    internal static TemporaryFolder Temporary() => new();

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = System.IO.Path.Combine(folder.FullName, "tests", "golden");
            if (Directory.Exists(path)) return path;
        }
        throw new DirectoryNotFoundException("tests/golden");
    }
}

sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("aerie-").FullName;

    internal string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
