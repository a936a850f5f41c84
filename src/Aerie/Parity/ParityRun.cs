// `aerie parity CASE...`: finds the cases, computes them one after the other, and says how it ended.
namespace Aerie.Parity;

/// <summary>How a case ended, from best to worst; the worst of a run is its end.</summary>
public enum ParityOutcome
{
    /// <summary>Every value is within its tolerance (or the case is advisory): exit 0.</summary>
    Within,
    /// <summary>A kind or feature that this version does not support: exit 3.</summary>
    NotSupported,
    /// <summary>The case itself cannot be read: exit 2.</summary>
    Unreadable,
    /// <summary>A tolerance is exceeded: exit 1.</summary>
    Exceeded,
}

/// <summary>One case of a run: its results so far, and the reason if it could not be finished.</summary>
public sealed record ParityReport(string Path, string Kind, bool Advisory, ParityOutcome Outcome, IReadOnlyList<ParityResult> Results, string? Message)
{
    /// <summary>The exit code of a run that ended so.</summary>
    public static int ExitCode(ParityOutcome outcome) => outcome switch
    {
        ParityOutcome.Within => 0,
        ParityOutcome.Exceeded => 1,
        ParityOutcome.Unreadable => 2,
        _ => 3,
    };
}

/// <summary>Runs golden cases.</summary>
public static class ParityRun
{
    /// <summary>The case folders under a path: itself if it has a case.json, else every folder below that has one, in order.</summary>
    public static IReadOnlyList<string> Find(string path)
    {
        if (File.Exists(path) && System.IO.Path.GetFileName(path) == "case.json") path = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        if (!Directory.Exists(path)) throw new AerieException($"{path}: no such folder.", "Give the folder of a case (the one with case.json), or a folder of such folders.");
        if (File.Exists(System.IO.Path.Combine(path, "case.json"))) return [path];
        var found = Directory.EnumerateFiles(path, "case.json", SearchOption.AllDirectories).Select(f => System.IO.Path.GetDirectoryName(f)!).Order(StringComparer.Ordinal).ToList();
        return found.Count > 0 ? found : throw new AerieException($"{path}: no case.json in it or below it.", "Give the folder of a case (the one with case.json), or a folder of such folders.");
    }

    /// <summary>Computes one case. Everything that is wrong with it ends in the report; only bugs and cancellation throw.</summary>
    public static ParityReport Run(string path, CancellationToken cancellation = default)
    {
        var results = new List<ParityResult>();
        CaseFolder? folder = null;
        try
        {
            folder = new CaseFolder(path);
            if (!ParityKinds.All.TryGetValue(folder.Kind, out var kind))
                return End(ParityOutcome.NotSupported, $"this version does not support cases of kind `{folder.Kind}`; it knows: {string.Join(", ", ParityKinds.All.Keys.Order(StringComparer.Ordinal))}.");
            foreach (var result in kind(folder))
            {
                cancellation.ThrowIfCancellationRequested();
                results.Add(result);
            }
        }
        catch (MachineException e)
        {
            return End(Worst(ParityOutcome.NotSupported), e.Message);
        }
        catch (AerieException e)
        {
            return End(Worst(ParityOutcome.Unreadable), e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or KeyNotFoundException or System.Text.Json.JsonException)
        {
            return End(Worst(ParityOutcome.Unreadable), e.Message);
        }
        // What JSON says to those who ask for a text and find a number, and what functions say to a number that they cannot take.
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
        {
            return End(Worst(ParityOutcome.Unreadable), $"a value in it is none that its place can have: {e.Message}");
        }
        if (results.Count == 0) return End(ParityOutcome.Unreadable, "nothing to compare in it.");
        return End(Worst(ParityOutcome.Within), null);

        ParityOutcome Worst(ParityOutcome end) => folder is { Advisory: false } && results.Any(r => !r.Within) ? ParityOutcome.Exceeded : end;
        ParityReport End(ParityOutcome outcome, string? message) => new(path, folder?.Kind ?? "?", folder?.Advisory ?? false, outcome, results, message);
    }
}
