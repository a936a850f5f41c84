// A model's config.json, read as hostile: every value has a type and a range, and every error names the file and the key.
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aerie.Formats;

namespace Aerie.Targets;

/// <summary>An object of a config.json. Keys that nobody asks for are ignored, as all programs of the field do.</summary>
public sealed partial class ConfigFile
{
    const long MaxBytes = 16 << 20;
    readonly JsonElement json;
    readonly string prefix;

    ConfigFile(string path, JsonElement json, string prefix) => (Path, this.json, this.prefix) = (path, json, prefix);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Reads a config.json, or the one in a folder.</summary>
    /// <exception cref="AerieException">It is missing, or not one JSON object.</exception>
    public static ConfigFile Open(string path)
    {
        if (Directory.Exists(path)) path = System.IO.Path.Combine(path, "config.json");
        var root = JsonFile.Read(path, MaxBytes, "Give the folder of a Hugging Face checkpoint: config.json and safetensors.", NemotronLimit, new JsonDocumentOptions { AllowDuplicateProperties = false }).RootElement;
        return root.ValueKind == JsonValueKind.Object ? new ConfigFile(path, root, "") : throw new AerieException($"{path}: must be a JSON object");
    }

    // transformers 4.x wrote NemotronH's [0.0, inf] with a word that is not JSON. Nothing asks for this one value; anywhere else the word stays an error.
    static byte[] NemotronLimit(byte[] bytes)
        => bytes.AsSpan().IndexOf("Infinity"u8) < 0 ? bytes : Encoding.UTF8.GetBytes(Limit().Replace(Encoding.UTF8.GetString(bytes), "${before}null${after}"));

    [GeneratedRegex("""(?<before>"(time_step_limit|mamba_dt_limit)"\s*:\s*\[\s*[0-9.]+\s*,\s*)Infinity(?<after>\s*\])""")]
    private static partial Regex Limit();

    /// <summary>Is the key there with a value that is not null?</summary>
    public bool Has(string key) => Find(key, out _);

    /// <summary>Is the key there, with null?</summary>
    public bool IsNull(string key) => json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>A whole number in [least, most]; <paramref name="otherwise"/> where it is absent or null.</summary>
    public int Whole(string key, int least = 1, int most = 1 << 20, int? otherwise = null)
        => !Find(key, out var value) ? otherwise ?? throw Bad(key, "is missing")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var n) && n >= least && n <= most ? n
        : throw Bad(key, $"must be a whole number from {least} to {most}, not {Shown(value)}");

    /// <summary>A finite number above 0 (or at least 0); <paramref name="otherwise"/> where it is absent or null.</summary>
    public double Positive(string key, double? otherwise = null, bool orZero = false)
        => !Find(key, out var value) ? otherwise ?? throw Bad(key, "is missing")
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var x) && double.IsFinite(x) && (x > 0 || (orZero && x == 0)) ? x
        : throw Bad(key, $"must be a number {(orZero ? "of at least" : "above")} 0, not {Shown(value)}");

    /// <summary>A list of numbers above 0; empty where it is absent or null.</summary>
    public double[] Positives(string key)
        => !Find(key, out var value) ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Number && v.TryGetDouble(out var x) && double.IsFinite(x) && x > 0)
            ? [.. value.EnumerateArray().Select(v => v.GetDouble())]
        : throw Bad(key, $"must be a list of numbers above 0, not {Shown(value)}");

    /// <summary>true or false; <paramref name="otherwise"/> where it is absent or null.</summary>
    public bool Flag(string key, bool otherwise)
        => !Find(key, out var value) ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Bad(key, $"must be true or false, not {Shown(value)}");

    /// <summary>A text; null where it is absent or null.</summary>
    public string? Text(string key)
        => !Find(key, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw Bad(key, $"must be a text, not {Shown(value)}");

    /// <summary>A list of texts; empty where it is absent or null.</summary>
    public string[] Texts(string key)
        => !Find(key, out var value) ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(v => v.GetString()!)]
        : throw Bad(key, $"must be a list of texts, not {Shown(value)}");

    /// <summary>A whole number that is not negative, or a list of them; null where it is absent or null.</summary>
    public int[]? Ids(string key)
    {
        if (!Find(key, out var value)) return null;
        var list = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value];
        return Array.ConvertAll(list, v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var id) && id >= 0 ? id
            : throw Bad(key, $"must be a whole number that is not negative, or a list of them, not {Shown(value)}"));
    }

    /// <summary>An object inside this one; null where it is absent or null.</summary>
    public ConfigFile? Object(string key)
        => !Find(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigFile(Path, value, $"{prefix}{key}.")
        : throw Bad(key, $"must be an object, not {Shown(value)}");

    /// <summary>The error of a key.</summary>
    public AerieException Bad(string key, string problem) => new($"{Path}: `{prefix}{key}` {problem}");

    bool Find(string key, out JsonElement value) => json.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    static string Shown(JsonElement value) => value.GetRawText() is var text && text.Length > 40 ? text[..40] + "..." : text;
}
