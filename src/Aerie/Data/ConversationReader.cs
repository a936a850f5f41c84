// Reads conversations from JSON Lines or JSON: rows with `messages` (role/content) or `conversations` (ShareGPT: from/value); also rows of
// `text` (preformatted) and of tokens. How a row is brought into one form is part of the loss mask's rule.
// A bad row is an error that names file and line; nothing is guessed.
using System.Text.Json;
using System.Text.Unicode;
using Aerie.Formats;

namespace Aerie.Data;

/// <summary>Reads conversations and prompts from files.</summary>
public static class ConversationReader
{
    const int LongestLine = 64 << 20;
    const long LargestJson = 1L << 30;

    /// <summary>All conversations of a file, or of a folder's <c>.jsonl</c>, <c>.ndjson</c> and <c>.json</c> files by name.</summary>
    /// <exception cref="AerieException">A file is missing or empty, or a row is wrong (it is named).</exception>
    public static List<Conversation> Read(string path, LossMaskRule rule = LossMaskRule.Aerie) => Read([path], rule);

    /// <summary>All conversations of several files or folders, in order; every one must have an answer by the assistant.</summary>
    public static List<Conversation> Read(IEnumerable<string> paths, LossMaskRule rule = LossMaskRule.Aerie) => Read(paths, needAnswers: true, rule);

    /// <summary>Prompts: conversations that may end before the answer; also rows with only <c>prompt</c> (text).</summary>
    public static List<Conversation> ReadPrompts(string path) => Read([path], needAnswers: false, LossMaskRule.Aerie);

    static List<Conversation> Read(IEnumerable<string> paths, bool needAnswers, LossMaskRule rule)
    {
        var all = new List<Conversation>();
        foreach (var file in paths.SelectMany(Files))
        {
            var before = all.Count;
            try
            {
                foreach (var (row, where) in Rows(file)) all.Add(ConversationRow.Read(row, where, needAnswers, rule));
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                throw new AerieException($"{file}: cannot be read: {problem.Message}", null, problem);
            }
            if (all.Count == before) throw new AerieException($"{file}: has no rows", "One conversation per line: {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, ...]}.");
        }
        return all;
    }

    static IEnumerable<string> Files(string path)
    {
        if (!Directory.Exists(path)) return File.Exists(path) ? [path] : throw new AerieException($"{path}: there is no such file or folder", "Give a JSON or JSON Lines file of conversations, or a folder of them; `aerie regenerate` makes one of prompts.");
        string[] files = [.. Directory.EnumerateFiles(path).Where(f => Path.GetExtension(f) is ".jsonl" or ".ndjson" or ".json" && Path.GetFileName(f) != "manifest.json").Order(StringComparer.Ordinal)];
        return files.Length > 0 ? files : throw new AerieException($"{path}: has no .jsonl, .ndjson or .json file");
    }

    // A .json file is a list of rows, or one row; everything else, and a .json file whose first line is a row, has one row per line.
    static IEnumerable<(JsonElement Row, string Where)> Rows(string file)
    {
        RefuseOtherForms(file);
        if (Path.GetExtension(file) == ".json" && !FirstLineIsRow(file))
        {
            if (new FileInfo(file).Length > LargestJson) throw new AerieException($"{file}: is above {LargestJson >> 20} MB", "Write it as JSON Lines (.jsonl).");
            using var document = Parse(File.ReadAllBytes(file), file);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                yield return (document.RootElement, file);
                yield break;
            }
            var number = 0;
            foreach (var row in document.RootElement.EnumerateArray()) yield return (row, $"{file}: row {++number}");
            yield break;
        }
        foreach (var (line, number) in Lines(file))
        {
            using var document = Parse(line, $"{file}: line {number}");
            yield return (document.RootElement, $"{file}: line {number}");
        }
    }

    // What people have beside JSON, told by its first bytes, not by its name.
    static void RefuseOtherForms(string file)
    {
        Span<byte> start = stackalloc byte[4];
        using (var stream = File.OpenRead(file)) start = start[..stream.ReadAtLeast(start, 4, throwOnEndOfStream: false)];
        if (start.SequenceEqual("PAR1"u8)) throw new AerieException($"{file}: is Parquet, which this version does not read", "Write it as JSON Lines, for example with pandas: read_parquet(...).to_json(..., orient=\"records\", lines=True).");
        if (start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])) throw new AerieException($"{file}: is compressed with gzip", "Unpack it first: gunzip.");
        if (start.SequenceEqual((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD])) throw new AerieException($"{file}: is compressed with Zstandard", "Unpack it first: unzstd.");
        if (start.SequenceEqual("PK\x03\x04"u8)) throw new AerieException($"{file}: is a zip archive", "Unpack it first.");
    }

    static bool FirstLineIsRow(string file)
    {
        try
        {
            var (line, _) = Lines(file).FirstOrDefault();
            if (line.Length == 0) return true;
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (Exception problem) when (problem is JsonException or AerieException)
        {
            return false;
        }
    }

    static JsonDocument Parse(ReadOnlyMemory<byte> json, string where)
    {
        var bytes = json.Span;
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])) throw new AerieException($"{where}: is UTF-16", "Save the file as UTF-8.");
        if (!Utf8.IsValid(bytes)) throw new AerieException($"{where}: is not UTF-8", "Save the file as UTF-8.");
        if (bytes.StartsWith("\uFEFF"u8)) json = json[3..];
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException problem)
        {
            throw new AerieException($"{where}: not JSON: {JsonFault.Words(problem, oneLine: where.Contains(": line ", StringComparison.Ordinal))}", null, problem);
        }
    }

    // Lines end with \n only: U+2028 and the like are text. Blank lines are left out.
    static IEnumerable<(ReadOnlyMemory<byte> Line, int Number)> Lines(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        var buffer = new byte[1 << 16];
        int start = 0, end = 0, number = 0;
        for (var open = true; open;)
        {
            if (end == buffer.Length)
            {
                if (start > 0) buffer.AsSpan(start..end).CopyTo(buffer);
                else if (buffer.Length >= LongestLine) throw new AerieException($"{file}: line {number + 1}: is longer than {LongestLine >> 20} MB", "One conversation per line.");
                else Array.Resize(ref buffer, buffer.Length * 2);
                (start, end) = (0, end - start);
            }
            var count = stream.Read(buffer, end, buffer.Length - end);
            open = count > 0;
            var searched = end;
            end += count;
            while (true)
            {
                var next = buffer.AsSpan(searched..end).IndexOf((byte)'\n');
                if (next < 0 && (open || start == end)) break;
                var stop = next < 0 ? end : searched + next;
                number++;
                var line = buffer.AsMemory(start..stop);
                start = searched = next < 0 ? end : stop + 1;
                if (!IsBlank(line.Span)) yield return (line, number);
            }
        }
    }

    static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;
}
