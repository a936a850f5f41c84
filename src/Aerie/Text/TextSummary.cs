// What sort of tokenizer and template a folder has, in words; nothing of them is built.
using System.Globalization;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Text;

/// <summary>Describes what turns conversations into tokens.</summary>
public static class TextSummary
{
    /// <summary>E.g. "BPE, byte-level, 49,152 tokens"; null where the folder has no tokenizer.json, a remark where it is not one.</summary>
    public static string? TokenizerOf(string folder)
    {
        var path = Path.Combine(folder, Tokenizer.FileName);
        if (!File.Exists(path)) return null;
        try
        {
            using var json = JsonFile.Read(path, Tokenizer.LargestFile);
            var model = json.RootElement.GetProperty("model");
            var type = model.TryGetProperty("type", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : model.TryGetProperty("merges", out _) ? "BPE" : "Unigram";
            var vocabulary = model.GetProperty("vocab");
            var tokens = vocabulary.ValueKind == JsonValueKind.Object ? vocabulary.EnumerateObject().Count() : vocabulary.GetArrayLength();
            var bytes = model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True ? ", byte fallback"
                : HasByteLevel(json.RootElement, "pre_tokenizer") || HasByteLevel(json.RootElement, "decoder") ? ", byte-level" : "";
            var added = json.RootElement.TryGetProperty("added_tokens", out var list) && list.ValueKind == JsonValueKind.Array ? list.GetArrayLength() : 0;
            return string.Create(CultureInfo.InvariantCulture, $"{type}{bytes}, {tokens:#,0} tokens, {added} added");
        }
        catch (Exception e) when (e is AerieException or InvalidOperationException or KeyNotFoundException)
        {
            return $"{Tokenizer.FileName} is not valid: {e.Message}";
        }
    }

    /// <summary>The file that holds the chat template, and the names where there are several; null where there is none.</summary>
    public static string? TemplateOf(string folder)
    {
        try
        {
            var found = ChatTemplateFiles.In(folder);
            if (found.Count == 0) return null;
            var file = Path.GetFileName(found.GetValueOrDefault("default", found.Values.First()).File);
            return found.Count == 1 ? file : $"{file}, {found.Count} by name: {string.Join(", ", found.Keys.Order(StringComparer.Ordinal))}";
        }
        catch (AerieException problem)
        {
            return problem.Message;
        }
    }

    static bool HasByteLevel(JsonElement root, string part) => root.TryGetProperty(part, out var value) && value.ValueKind == JsonValueKind.Object && value.GetRawText().Contains("\"ByteLevel\"", StringComparison.Ordinal);
}
