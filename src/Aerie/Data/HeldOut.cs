// Sets some rows of a data file aside for the evaluation: rows with `split: heldout` if there are any, else every 20th (at most 60).
// Lines are copied as they are: whoever reads them checks them.
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Data;

/// <summary>Splits prompts into those to learn from and those to evaluate on.</summary>
public static class HeldOut
{
    const int EveryNth = 20, Most = 60;

    /// <summary>Writes prompts.jsonl and heldout.jsonl into a folder.</summary>
    /// <exception cref="AerieException">The file is missing, or has too few rows.</exception>
    public static (string Prompts, string HeldOut) SetAside(string data, string folder)
    {
        if (!File.Exists(data)) throw new AerieException($"{data}: no such file.", "Give a JSON Lines file with prompts or conversations.");
        var lines = File.ReadLines(data).Where(l => !string.IsNullOrWhiteSpace(l)).ToList();
        if (lines.Count < 10) throw new AerieException($"{data}: has {lines.Count} rows; at least 10 are needed to train and to evaluate.", "One prompt or conversation per line.");
        var marked = lines.Select(IsMarked).ToList();
        var every = Math.Max(EveryNth, (lines.Count + Most - 1) / Most);
        bool IsHeldOut(int i) => marked.Contains(true) ? marked[i] : i % every == every / 2;
        Directory.CreateDirectory(folder);
        var (prompts, heldOut) = (Path.Combine(folder, "prompts.jsonl"), Path.Combine(folder, "heldout.jsonl"));
        WholeFile.Write(prompts, string.Concat(lines.Where((_, i) => !IsHeldOut(i)).Select(l => l + "\n")));
        WholeFile.Write(heldOut, string.Concat(lines.Where((_, i) => IsHeldOut(i)).Select(l => l + "\n")));
        return (prompts, heldOut);
    }

    static bool IsMarked(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("split", out var split) && split.ValueKind == JsonValueKind.String
                && split.GetString() is "heldout" or "test" or "validation";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;                                      // the reader will say what is wrong with it
        }
    }
}
