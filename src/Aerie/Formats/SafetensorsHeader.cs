// The header of a safetensors file, as strict as the official reader 0.8.0: JSON of name -> {dtype, shape, data_offsets} and
// __metadata__ of strings; sorted by place, the tensors must cover the data without a gap or an overlap.
using System.Text.Json;
using System.Text.Unicode;

namespace Aerie.Formats;

/// <summary>A tensor's entry in a safetensors header.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions; none for a scalar.</param>
/// <param name="Begin">Byte offset from the start of the data.</param>
/// <param name="ByteLength">Bytes of the tensor.</param>
public sealed record SafetensorsEntry(string Name, SafetensorsType Type, long[] Shape, long Begin, long ByteLength)
{
    /// <summary>Number of elements.</summary>
    public long Count => ByteLength / Type.ByteSize();

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type.FormatName()} [{string.Join(", ", Shape)}]";
}

sealed record SafetensorsHeader(IReadOnlyDictionary<string, SafetensorsEntry> Entries, IReadOnlyDictionary<string, string>? Metadata)
{
    internal const long LargestHeader = 100_000_000;

    /// <summary>Parses the JSON; <paramref name="dataLength"/> is what follows it in the file.</summary>
    internal static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength)
    {
        if (!Utf8.IsValid(json)) throw Bad("the header is not UTF-8");
        var entries = new Dictionary<string, SafetensorsEntry>();
        Dictionary<string, string>? metadata = null;
        var metadataSeen = false;
        // The official parser counts to 127.
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 127 });
        try
        {
            Expect(ref reader, JsonTokenType.StartObject, "the header is not an object");
            while (Next(ref reader) == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (name == "__metadata__")
                {
                    if (metadataSeen) throw Bad("__metadata__ is there twice");
                    metadataSeen = true;
                    metadata = ReadMetadata(ref reader);
                    continue;
                }
                var entry = ReadEntry(ref reader, name);
                if (!entries.TryAdd(name, entry) && !Same(entries[name], entry)) throw Bad($"tensor '{name}' is there twice, with two contents");
            }
            while (reader.Read()) { }                          // throws at text after the object
        }
        catch (JsonException problem)
        {
            throw Bad($"the header is not JSON: {problem.Message}");
        }
        catch (InvalidOperationException problem)              // half a surrogate pair
        {
            throw Bad($"the header holds text that is not Unicode: {problem.Message}");
        }
        Cover([.. entries.Values], dataLength);
        return new SafetensorsHeader(entries, metadata);
    }

    static bool Same(SafetensorsEntry a, SafetensorsEntry b) =>
        a.Type == b.Type && a.Begin == b.Begin && a.ByteLength == b.ByteLength && a.Shape.AsSpan().SequenceEqual(b.Shape);

    static Dictionary<string, string>? ReadMetadata(ref Utf8JsonReader reader)
    {
        if (Next(ref reader) == JsonTokenType.Null) return null;
        if (reader.TokenType != JsonTokenType.StartObject) throw Bad("__metadata__ is not an object");
        var metadata = new Dictionary<string, string>();
        while (Next(ref reader) == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, $"metadata '{key}' is not a string");
            metadata[key] = reader.GetString()!;
        }
        return metadata;
    }

    // An object, or (as the official reader has it) a list in the order of the fields.
    static SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        SafetensorsType? type = null;
        ulong[]? shape = null, place = null;
        switch (Next(ref reader))
        {
            case JsonTokenType.StartArray:
                Next(ref reader);
                type = ReadType(ref reader, name);
                shape = ReadNumbers(ref reader, name, "shape");
                place = ReadNumbers(ref reader, name, "data_offsets");
                Expect(ref reader, JsonTokenType.EndArray, $"tensor '{name}': more than dtype, shape, data_offsets");
                break;
            case JsonTokenType.StartObject:
                while (Next(ref reader) == JsonTokenType.PropertyName)
                {
                    var field = reader.GetString()!;
                    if (field switch { "dtype" => type is not null, "shape" => shape is not null, "data_offsets" => place is not null, _ => false })
                        throw Bad($"tensor '{name}': {field} is there twice");
                    switch (field)
                    {
                        case "dtype": Next(ref reader); type = ReadType(ref reader, name); break;
                        case "shape": shape = ReadNumbers(ref reader, name, field); break;
                        case "data_offsets": place = ReadNumbers(ref reader, name, field); break;
                        default: SkipValue(ref reader); break;
                    }
                }
                break;
            default:
                throw Bad($"tensor '{name}' is not an object");
        }
        if (type is null) throw Bad($"tensor '{name}' has no dtype");
        if (shape is null) throw Bad($"tensor '{name}' has no shape");
        if (place is null) throw Bad($"tensor '{name}' has no data_offsets");
        return Checked(name, type.Value, shape, place);
    }

    static SafetensorsEntry Checked(string name, SafetensorsType type, ulong[] shape, ulong[] place)
    {
        if (place.Length != 2) throw Bad($"tensor '{name}': data_offsets has {place.Length} numbers, not 2");
        var (begin, end) = (place[0], place[1]);
        // A begin or end above 2^63 cannot lie in any file.
        if (begin > end || end > long.MaxValue) throw Bad($"tensor '{name}': data_offsets [{begin}, {end}] are no place in a file");
        ulong bytes = 1;
        try
        {
            foreach (var size in shape) bytes = checked(bytes * size);
            bytes = checked(bytes * (ulong)type.ByteSize());
        }
        catch (OverflowException)
        {
            throw Bad($"tensor '{name}': a shape of [{string.Join(", ", shape)}] overflows 64 bits");
        }
        if (end - begin != bytes) throw Bad($"tensor '{name}': its data is {end - begin} bytes, its shape [{string.Join(", ", shape)}] needs {bytes}");
        // With a dimension of 0 another may still be above 2^63: no array of ours can say so.
        if (Array.Exists(shape, size => size > long.MaxValue)) throw Bad($"tensor '{name}': a dimension above 2^63");
        return new SafetensorsEntry(name, type, Array.ConvertAll(shape, size => (long)size), (long)begin, (long)bytes);
    }

    // Sorted by place, every tensor begins where the one before it ends; the last one ends with the file.
    static void Cover(SafetensorsEntry[] entries, long dataLength)
    {
        Array.Sort(entries, (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.ByteLength.CompareTo(b.ByteLength));
        var end = 0L;
        foreach (var entry in entries)
        {
            if (entry.Begin != end) throw Bad($"tensor '{entry.Name}' begins at byte {entry.Begin} of the data, not at {end}: a gap or an overlap");
            end = checked(entry.Begin + entry.ByteLength);
        }
        if (end != dataLength) throw Bad($"the tensors end at byte {end} of the data, the file at {dataLength}: it is damaged or was not written to its end");
    }

    static SafetensorsType ReadType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String) throw Bad($"tensor '{name}': dtype is not a string");
        var text = reader.GetString()!;
        if (SafetensorsTypes.TryParse(text, out var type)) return type;
        throw Bad(Array.IndexOf(SafetensorsTypes.Unsupported, text) >= 0
            ? $"tensor '{name}': dtype {text} is part of the format, but not supported here"
            : $"tensor '{name}': there is no dtype '{text}'");
    }

    static ulong[] ReadNumbers(ref Utf8JsonReader reader, string name, string field)
    {
        Expect(ref reader, JsonTokenType.StartArray, $"tensor '{name}': {field} is not a list");
        var numbers = new List<ulong>();
        while (Next(ref reader) != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetUInt64(out var number))
                throw Bad($"tensor '{name}': {field} holds something that is not a whole number of 64 bits without sign");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    // Skips by tokens and looks at every string, since the official reader refuses half surrogates anywhere.
    static void SkipValue(ref Utf8JsonReader reader)
    {
        var open = 0;
        do
        {
            var token = Next(ref reader);
            if (token is JsonTokenType.StartObject or JsonTokenType.StartArray) open++;
            else if (token is JsonTokenType.EndObject or JsonTokenType.EndArray) open--;
            else if (token is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
        }
        while (open > 0);
    }

    static JsonTokenType Next(ref Utf8JsonReader reader) => reader.Read() ? reader.TokenType : throw Bad("the header ends early");

    static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string problem)
    {
        if (Next(ref reader) != type) throw Bad(problem);
    }

    // The file's name is put in front by SafetensorsFile.
    static AerieException Bad(string problem) => new(problem);
}
