// What sort of tokenizer and template a folder has, in words; nothing of them is built.
using System.Globalization;
using System.Text.Json;

namespace Aerie.Text;

/// <summary>Describes what turns conversations into tokens.</summary>
public static class TextSummary
{
    const long MaxBytes = 256 << 20;

    /// <summary>E.g. "BPE, byte-level, 49,152 tokens"; null where the folder has no tokenizer.json, a remark where it is not one.</summary>
    public static string? TokenizerOf(string folder)
    {
        var path = Path.Combine(folder, Tokenizer.FileName);
        if (!File.Exists(path)) return null;
        if (new FileInfo(path).Length > MaxBytes) return $"{Tokenizer.FileName} is larger than {MaxBytes >> 20} MB";
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            var model = json.RootElement.GetProperty("model");
            var type = model.TryGetProperty("type", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : model.TryGetProperty("merges", out _) ? "BPE" : "Unigram";
            var vocabulary = model.GetProperty("vocab");
            var tokens = vocabulary.ValueKind == JsonValueKind.Object ? vocabulary.EnumerateObject().Count() : vocabulary.GetArrayLength();
            var bytes = model.TryGetProperty("byte_fallback", out var fallback) && fallback.ValueKind == JsonValueKind.True ? ", byte fallback"
                : HasByteLevel(json.RootElement, "pre_tokenizer") || HasByteLevel(json.RootElement, "decoder") ? ", byte-level" : "";
            var added = json.RootElement.TryGetProperty("added_tokens", out var list) && list.ValueKind == JsonValueKind.Array ? list.GetArrayLength() : 0;
            return string.Create(CultureInfo.InvariantCulture, $"{type}{bytes}, {tokens:#,0} tokens, {added} added");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or IOException or UnauthorizedAccessException)
        {
            return $"{Tokenizer.FileName} is not valid: {e.Message}";
        }
    }

    /// <summary>The file that holds the chat template; null where there is none.</summary>
    public static string? TemplateOf(string folder)
    {
        foreach (var file in (string[])["chat_template.jinja", "chat_template.json"])
            if (File.Exists(Path.Combine(folder, file))) return file;
        var config = Path.Combine(folder, "tokenizer_config.json");
        try
        {
            if (!File.Exists(config) || new FileInfo(config).Length > MaxBytes) return null;
            using var json = JsonDocument.Parse(File.ReadAllBytes(config));
            return !json.RootElement.TryGetProperty("chat_template", out var template) ? null
                : template.ValueKind == JsonValueKind.Array ? $"tokenizer_config.json, {template.GetArrayLength()} by name" : "tokenizer_config.json";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return $"tokenizer_config.json is not valid: {e.Message}";
        }
    }

    static bool HasByteLevel(JsonElement root, string part) => root.TryGetProperty(part, out var value) && value.ValueKind == JsonValueKind.Object && value.GetRawText().Contains("\"ByteLevel\"", StringComparison.Ordinal);
}
