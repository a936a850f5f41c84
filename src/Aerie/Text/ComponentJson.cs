// A component of tokenizer.json (normalizer, pre-tokenizer, ...): its fields, and errors that name where they are.
using System.Text.Json;

namespace Aerie.Text;

/// <summary>A JSON object of tokenizer.json and the path that leads to it.</summary>
readonly record struct ComponentJson(JsonElement Json, string Path)
{
    internal string Type => Text("type");

    internal AerieException Bad(string what) => new($"{Path}: {what}");

    /// <summary>A type that is not there: never skipped, since the ids would be wrong.</summary>
    internal AerieException Unsupported(string what) => new($"{Path}: the {what} '{Type}' is not supported", "The ids would be wrong without it.");

    internal JsonElement? Find(string name) =>
        Json.ValueKind != JsonValueKind.Object ? throw Bad("is not an object")
        : Json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    internal JsonElement Get(string name) => Find(name) ?? throw Bad($"has no '{name}'");

    internal ComponentJson? Child(string name) => Find(name) is { } json ? new ComponentJson(json, $"{Path}.{name}") : null;

    internal string Text(string name) => Get(name) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : throw Bad($"'{name}' is not a string");

    internal string? TextOrNull(string name) => Find(name) is null ? null : Text(name);

    internal bool Flag(string name, bool otherwise) => Find(name) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        _ => throw Bad($"'{name}' is neither true nor false"),
    };

    internal int Id(string name) => Id(Get(name), name);

    internal int Id(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id >= 0 ? id : throw Bad($"'{name}' is not an id: {value.GetRawText()}");

    internal int Number(string name, int otherwise) => Find(name) is { } value
        ? value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Bad($"'{name}' is not a whole number")
        : otherwise;

    internal IEnumerable<ComponentJson> List(string name)
    {
        var list = Get(name);
        if (list.ValueKind != JsonValueKind.Array) throw Bad($"'{name}' is not a list");
        var path = Path;
        return list.EnumerateArray().Select((item, i) => new ComponentJson(item, $"{path}.{name}[{i}]"));
    }
}
