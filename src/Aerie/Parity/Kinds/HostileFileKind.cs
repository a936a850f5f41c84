// Kind `hostile_file`: every file of a set goes through the program's normal reader, which must refuse or read it as the manifest says:
// in words (an AerieException; for JSON Lines with the line), and within 2 s of the processor and 256 MB.
using System.Globalization;
using System.Text.Json;
using Aerie.Data;
using Aerie.Formats;
using Aerie.Parity.Hostile;
using Aerie.Targets;
using Aerie.Text;

namespace Aerie.Parity.Kinds;

static class HostileFileKind
{
    // What each set's `task` says; the last is what an accepted file printed, if it prints.
    static readonly Dictionary<string, Func<CaseFolder, JsonElement, string, string?>> Tasks = new()
    {
        ["safetensors"] = (_, _, path) => Safetensors(path),
        ["tokenizer"] = (_, item, path) => Silent(() => Tokenizer.Load(path).Encode(Input(item))),
        ["chat_template"] = (folder, _, path) => ChatTemplate.Load(path).Render([.. folder.Parameters.GetProperty("messages").EnumerateArray()]).Text,
        ["jsonl"] = (_, _, path) => Silent(() => ConversationReader.Read(path)),
        ["recipe"] = (_, _, path) => Silent(() => Recipe.Load(path)),
        ["config"] = (_, _, path) => Silent(() => TargetConfig.Read(path)),
    };

    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        if (!Tasks.TryGetValue(folder.Text("subject"), out var task)) throw folder.NotSupported($"files of kind `{folder.Text("subject")}`");
        var limits = folder.Parameters.GetProperty("limits");
        var (seconds, bytes) = (Math.Min(HostileCost.MostSeconds, limits.GetProperty("seconds").GetDouble()), Math.Min(HostileCost.MostBytes, limits.GetProperty("megabytes").GetInt64() << 20));
        var (refused, read, slowest, largest) = (0, 0, ("", 0.0), ("", 0L));
        var temporary = Directory.CreateTempSubdirectory("aerie-hostile-").FullName;
        try
        {
            foreach (var line in File.ReadLines(folder.File(folder.Text("manifest"))).Where(l => l.Length > 0))
            {
                using var document = JsonDocument.Parse(line);
                var item = document.RootElement;
                var name = item.GetProperty("file").GetString()!;
                var path = Place(folder, item, name, temporary);
                string? printed = null;
                var cost = HostileCost.Of(() => printed = task(folder, item, path));
                // Code that runs for the first time is compiled first: that is not the file's doing.
                if (cost is { Problem: null or AerieException } slow && slow.Processor.TotalSeconds > seconds) cost = HostileCost.Of(() => printed = task(folder, item, path));
                if (cost is { } c)
                {
                    if (c.Processor.TotalSeconds > slowest.Item2) slowest = (name, c.Processor.TotalSeconds);
                    if (c.Allocated > largest.Item2) largest = (name, c.Allocated);
                    if (c.Problem is null) read++; else refused++;
                }
                if (Wrong(item, cost, printed, folder.Text("subject") == "chat_template" ? "" : Path.GetDirectoryName(path)!) is { } what) yield return ParityResult.Wrong(name, what);
            }
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
        yield return new("files", refused + read, 0, Tolerance.Exact, true, $"{refused} refused, {read} read");
        yield return Most("seconds", slowest.Item2, seconds, slowest.Item1);
        yield return Most("megabytes", largest.Item2 / (double)(1 << 20), bytes >> 20, largest.Item1);
    }

    static ParityResult Most(string name, double cost, double limit, string file) => new(name, 1, cost, new Tolerance(limit, 0), cost <= limit, file) { Measure = "cost" };

    static string? Wrong(JsonElement item, HostileCost? cost, string? printed, string place)
    {
        var why = item.GetProperty("why").GetString();
        if (cost is not { } done) return $"does not come to an end: {why}";
        if (done.Problem is { } problem and not AerieException) return $"ends in {problem.GetType().Name} ({problem.Message}): {why}";
        if (done.Problem is MachineException or RunFailedException) return $"is refused as if it were not the file's fault ({done.Problem.Message}): {why}";
        var verdict = done.Problem is null ? "accept" : "reject";
        if (item.GetProperty("expect").GetString() != verdict && !(item.TryGetProperty("also_fine", out var fine) && fine.ValueEquals(verdict)))
            return verdict == "accept" ? $"is read and must be refused: {why}" : $"is refused ({done.Problem!.Message}) and must be read: {why}";
        if (verdict == "accept") return printed is null || !item.TryGetProperty("official_output", out var official) || !item.GetProperty("expect").ValueEquals("accept") || printed.StartsWith(official.GetString()!, StringComparison.Ordinal) ? null : $"prints '{printed}' where the official reader prints '{official.GetString()}'";
        if (string.IsNullOrWhiteSpace(done.Problem!.Message)) return "is refused without a word";
        // A template is compiled from its file, but refuses a conversation by itself; a shard is named by its own path.
        if (!done.Problem.Message.Contains(place, StringComparison.Ordinal)) return $"is refused without its name: {done.Problem.Message}";
        return !item.TryGetProperty("line", out var line) || done.Problem.Message.Contains($"line {line.GetInt32().ToString(CultureInfo.InvariantCulture)}:", StringComparison.Ordinal) ? null : $"is refused without its line {line}: {done.Problem.Message}";
    }

    // Where the file is read: a config under its own name, a generated one in a temporary folder.
    static string Place(CaseFolder folder, JsonElement item, string name, string temporary)
    {
        var path = Path.Combine(temporary, folder.Text("subject") == "config" ? "config.json" : $"generated{Path.GetExtension(name)}");
        if (item.TryGetProperty("generate", out var description)) GeneratedFile.Write(description, path);
        else if (folder.Text("subject") == "config") File.Copy(folder.File(name), path, overwrite: true);
        else path = folder.File(name);
        return path;
    }

    static string? Safetensors(string path)
    {
        using var view = SafetensorsFolder.Open(path);
        foreach (var tensor in view.Names) _ = view.Bytes(tensor).IndexOf((byte)1);
        return null;
    }

    static string Input(JsonElement item)
    {
        var input = item.GetProperty("input");
        return input.ValueKind == JsonValueKind.String ? input.GetString()! : string.Concat(Enumerable.Repeat(input.GetProperty("repeat").GetString()!, input.GetProperty("times").GetInt32()));
    }

    static string? Silent(Action read)
    {
        read();
        return null;
    }
}
