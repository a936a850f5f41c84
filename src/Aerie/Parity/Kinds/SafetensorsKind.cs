// Kind `safetensors`: a file or a folder of shards is read; dtype, shape, bytes (sha256) and values must be those recorded,
// and where the case says so the writer must make the same bytes again.
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Parity.Kinds;

static class SafetensorsKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder) => folder.Text("subject") switch
    {
        "read" => Read(folder),
        "shards" => Shards(folder),
        "counted" => Counted(folder),
        var other => throw folder.NotSupported($"the subject `{other}` of safetensors cases"),
    };

    static IEnumerable<ParityResult> Read(CaseFolder folder)
    {
        var path = folder.File(folder.Text("file"));
        using var file = SafetensorsFile.Open(path);
        using var view = SafetensorsFolder.Open(path);
        var expected = folder.ReadJson(folder.Text("expected"));
        yield return folder.Compare("data_starts_at", file.DataStart, folder.Int("data_starts_at"));
        yield return folder.Compare("metadata", Sorted(file.Metadata), Sorted(ReadMetadata(expected.GetProperty("metadata"))));
        foreach (var result in Tensors(folder, view, expected)) yield return result;
        if (folder.Flag("byte_equal"))
        {
            using var written = new MemoryStream();
            SafetensorsWriter.Write(written, file.Entries.Values.Select(e => new SafetensorsSource(e.Name, e.Type, e.Shape, file.Bytes(e).ToArray())), file.Metadata);
            yield return folder.Compare("written again", Hash(written.ToArray()), Hash(File.ReadAllBytes(path)));
        }
    }

    static IEnumerable<ParityResult> Shards(CaseFolder folder)
    {
        using var view = SafetensorsFolder.Open(folder.File(folder.Text("index")));
        yield return folder.Compare("total_size", [view.Entries.Sum(e => e.ByteLength)], [folder.Int("total_size")]);
        foreach (var result in Tensors(folder, view, folder.ReadJson(folder.Text("expected")))) yield return result;
    }

    // Tensor 't.<i>': I16 [2, 1] holding [i, -i] where i % 3 == 0, else U8 [1] holding [i % 256].
    static IEnumerable<ParityResult> Counted(CaseFolder folder)
    {
        using var file = SafetensorsFile.Open(folder.File(folder.Text("file")));
        var count = folder.Int("count");
        yield return folder.Compare("count", [file.Entries.Count], [count]);
        var wrong = 0L;
        var bytes = new byte[4];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(bytes, (short)i);
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2), (short)-i);
            var (type, shape, want) = i % 3 == 0 ? ("I16", "2,1", bytes.AsMemory()) : ("U8", "1", new byte[] { (byte)i });
            var right = file.Entries.TryGetValue($"t.{i}", out var entry) && entry.Type.FormatName() == type && string.Join(',', entry.Shape) == shape
                && file.Bytes(entry).SequenceEqual(want.Span);
            if (!right) wrong++;
        }
        yield return folder.Compare("wrong tensors", [wrong], [0L]);
    }

    static IEnumerable<ParityResult> Tensors(CaseFolder folder, SafetensorsFolder view, JsonElement expected)
    {
        var list = expected.GetProperty("tensors");
        yield return folder.Compare("count", [view.Names.Count], [list.GetArrayLength()]);
        foreach (var want in list.EnumerateArray())
        {
            var name = want.GetProperty("name").GetString()!;
            if (!view.TryGet(name, out var entry))
            {
                yield return ParityResult.Wrong(name, "is not in the file");
                continue;
            }
            var kind = $"{want.GetProperty("dtype").GetString()} [{string.Join(", ", want.GetProperty("shape").EnumerateArray())}]";
            yield return folder.Compare($"{name}: dtype and shape", $"{entry.Type.FormatName()} [{string.Join(", ", entry.Shape)}]", kind);
            var bytes = view.Bytes(name).ToArray();
            yield return folder.Compare($"{name}: bytes", Hash(bytes), want.GetProperty("sha256").GetString()!);
            var values = want.GetProperty("values").EnumerateArray().ToArray();
            yield return entry.Type == SafetensorsType.F64 ? folder.Compare(name, Doubles(bytes).AsSpan(0, values.Length), Array.ConvertAll(values, Double))
                : entry.Type.IsFloat() ? folder.Compare(name, Array.ConvertAll(view.ReadFloat32(name), x => (double)x).AsSpan(0, values.Length), Array.ConvertAll(values, Double))
                : folder.Compare(name, string.Join(' ', Whole(entry.Type, bytes).Take(values.Length)), string.Join(' ', values.Select(v => v.GetRawText())));
        }
    }

    static double Double(JsonElement value) => value.ValueKind == JsonValueKind.String ? double.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetDouble();

    static double[] Doubles(byte[] bytes) => [.. Enumerable.Range(0, bytes.Length / 8).Select(i => BinaryPrimitives.ReadDoubleLittleEndian(bytes.AsSpan(8 * i)))];

    static IEnumerable<string> Whole(SafetensorsType type, byte[] bytes)
    {
        var size = type.ByteSize();
        for (var i = 0; i < bytes.Length; i += size)
        {
            var element = bytes.AsSpan(i, size);
            yield return type switch
            {
                SafetensorsType.Bool => element[0] != 0 ? "true" : "false",
                SafetensorsType.U8 => Invariant(element[0]),
                SafetensorsType.I8 => Invariant((sbyte)element[0]),
                SafetensorsType.U16 => Invariant(BinaryPrimitives.ReadUInt16LittleEndian(element)),
                SafetensorsType.I16 => Invariant(BinaryPrimitives.ReadInt16LittleEndian(element)),
                SafetensorsType.U32 => Invariant(BinaryPrimitives.ReadUInt32LittleEndian(element)),
                SafetensorsType.I32 => Invariant(BinaryPrimitives.ReadInt32LittleEndian(element)),
                SafetensorsType.U64 => Invariant(BinaryPrimitives.ReadUInt64LittleEndian(element)),
                _ => Invariant(BinaryPrimitives.ReadInt64LittleEndian(element)),
            };
        }
    }

    static string Invariant(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);

    static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    static Dictionary<string, string>? ReadMetadata(JsonElement json) =>
        json.ValueKind == JsonValueKind.Null ? null : json.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);

    static string Sorted(IReadOnlyDictionary<string, string>? metadata) =>
        metadata is null ? "null" : string.Join('\n', metadata.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}\t{p.Value}"));
}
