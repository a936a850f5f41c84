// Kind `tokenizer`: ids, token strings, decoded texts and streams must be those of the Hugging Face library.
using System.Text.Json;
using Aerie.Formats;
using Aerie.Text;

namespace Aerie.Parity.Kinds;

static class TokenizerKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var files = folder.Parameters.GetProperty("files");
        var tokenizer = Tokenizer.Load(folder.File(files.GetProperty("tokenizer").GetString()!));
        yield return Rows("encode", row => Encoded(tokenizer, row));
        yield return Rows("decode", row => Text(tokenizer.Decode(Ids(row)), row, "text") ?? Text(tokenizer.Decode(Ids(row), skipSpecialTokens: true), row, "text_skip_special"));
        yield return Rows("stream", row => Streamed(tokenizer, row));

        ParityResult Rows(string name, Func<JsonElement, string?> wrong) => JsonRows.Check(folder, name, files.GetProperty(name).GetString()!, wrong);
    }

    static string? Encoded(Tokenizer tokenizer, JsonElement row)
    {
        var got = tokenizer.Encode(row.GetProperty("text").GetString()!, row.GetProperty("add_special_tokens").GetBoolean(), row.TryGetProperty("split_special_tokens", out var split) && split.GetBoolean());
        var ids = Ids(row);
        if (!got.SequenceEqual(ids)) return $"ids {string.Join(' ', got.Take(40))}";
        if (row.TryGetProperty("tokens", out var tokens) && !tokens.EnumerateArray().Select(t => t.GetString()).SequenceEqual(ids.Select(tokenizer.TokenOf))) return "token strings";
        if (!row.TryGetProperty("decoded", out _)) return null;
        return Text(tokenizer.Decode(ids), row, "decoded") ?? Text(tokenizer.Decode(ids, skipSpecialTokens: true), row, row.TryGetProperty("decoded_skip_special", out _) ? "decoded_skip_special" : "decoded");
    }

    static string? Streamed(Tokenizer tokenizer, JsonElement row)
    {
        var stream = new TokenStream(tokenizer, row.GetProperty("skip_special_tokens").GetBoolean());
        string[] pieces = [.. Ids(row).Select(stream.Next)];
        return pieces.SequenceEqual(row.GetProperty("pieces").EnumerateArray().Select(p => p.GetString())) ? Text(stream.Rest(), row, "rest") : $"pieces {string.Join('|', pieces)}";
    }

    static string? Text(string got, JsonElement row, string name) => got == row.GetProperty(name).GetString() ? null : $"{name} '{got}'";

    static int[] Ids(JsonElement row) => [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
}

/// <summary>Files of JSON lines, a row per thing to compare.</summary>
static class JsonRows
{
    /// <summary>Compares every row; <paramref name="wrong"/> says what differs, or null.</summary>
    internal static ParityResult Check(CaseFolder folder, string name, string file, Func<JsonElement, string?> wrong)
    {
        var (count, failed, first) = (0, 0, "");
        foreach (var line in File.ReadLines(folder.File(file)).Where(l => l.Length > 0))
        {
            using var document = Parse(line, $"{folder.File(file)}: line {++count}");
            if (wrong(document.RootElement) is not { } what) continue;
            if (failed++ == 0) first = $"row {count}: {what} where the case has {line[..Math.Min(line.Length, 600)]}";
        }
        if (count == 0) throw new AerieException($"{folder.File(file)}: has no rows.");
        return failed == 0 ? new ParityResult(name, count, 0, Tolerance.Exact, true) : ParityResult.Wrong(name, $"{failed} of {count} rows differ; {first}");
    }

    internal static JsonDocument Parse(string line, string where)
    {
        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException problem)
        {
            throw new AerieException($"{where}: not JSON: {JsonFault.Words(problem)}", null, problem);
        }
    }
}
