// One GGUF file (ggml's docs/gguf.md, versions 2 and 3, little endian), memory-mapped:
//   "GGUF", u32 version, u64 tensors, u64 pairs; per pair: key, u32 kind, value; per tensor: name, u32 dimensions, u64 each (fastest first), u32 type, u64 offset;
//   then, at the next multiple of general.alignment (32), the data. A string is u64 bytes and UTF-8; an array u32 kind, u64 count, elements.
using System.Globalization;
using Aerie.Tensors.Memory;

namespace Aerie.Formats;

/// <summary>A tensor's entry. The shape is row-major: the file's order turned around.</summary>
sealed record GgufTensor(string Name, GgufType Type, long[] Shape, long Offset, long ByteLength)
{
    internal long Count => Shape.Aggregate(1L, (product, size) => product * size);

    public override string ToString() => $"{Name} {Type.Name} [{string.Join(", ", Shape)}]";
}

/// <summary>A memory-mapped GGUF file. Opening checks all of the header and keeps no values but their places.</summary>
sealed class GgufFile : IDisposable
{
    const int LongestName = 64, MostDimensions = 4;
    const long LargestArray = 1 << 24;

    readonly MappedFile file;
    readonly Dictionary<string, GgufValue> keys = [];
    readonly long dataStart;

    GgufFile(string path, MappedFile file)
    {
        (Path, this.file) = (path, file);
        var reader = new GgufReader(file, 0);
        reader.Magic();
        Version = reader.Version();
        var tensorCount = reader.Count("the number of tensors", least: 8 + 4 + 8 + 4 + 8);
        var keyCount = reader.Count("the number of keys", least: 8 + 4 + 1);
        for (long i = 0; i < keyCount; i++)
        {
            var key = reader.Text($"the name of key {i}", GgufReader.LongestKey);
            if (!keys.TryAdd(key, reader.Value(key))) throw new AerieException($"key '{key}' is there twice");
        }
        Alignment = Whole("general.alignment") ?? 32;
        if (Alignment is < 1 or > 1 << 20 || !long.IsPow2(Alignment)) throw new AerieException($"general.alignment is {Alignment}, not a power of two up to {1 << 20}");
        var (tensors, names) = (new List<GgufTensor>((int)tensorCount), new HashSet<string>());
        for (long i = 0; i < tensorCount; i++)
        {
            tensors.Add(Tensor(reader, i));
            if (!names.Add(tensors[^1].Name)) throw new AerieException($"tensor '{tensors[^1].Name}' is there twice");
        }
        dataStart = (reader.At + Alignment - 1) / Alignment * Alignment;
        Tensors = tensors;
        CheckPlaces();
    }

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="AerieException">It is missing, cannot be read, or is not a valid GGUF file.</exception>
    internal static GgufFile Open(string path)
    {
        if (Directory.Exists(path)) throw new AerieException($"{path}: is a folder", "Give the .gguf file in it; a folder with safetensors needs no import.");
        MappedFile? file = null;
        try
        {
            file = new MappedFile(path);
            return new GgufFile(path, file);
        }
        catch (AerieException problem)
        {
            file?.Dispose();
            throw new AerieException($"{path}: {problem.Message}", problem.Hint ?? "The file is damaged or not a GGUF file; get it again.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new AerieException($"{path}: cannot be read: {problem.Message}", "Give a .gguf file.", problem);
        }
    }

    internal string Path { get; }

    internal uint Version { get; }

    internal long Alignment { get; }

    internal IReadOnlyList<GgufTensor> Tensors { get; }

    internal IEnumerable<string> Keys => keys.Keys;

    internal bool Has(string key) => keys.ContainsKey(key);

    /// <summary>Bytes of a tensor, from byte <paramref name="from"/> of it on.</summary>
    internal ReadOnlySpan<byte> Bytes(GgufTensor tensor, long from, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, tensor.ByteLength - count);
        return file.Bytes(dataStart + tensor.Offset + from, count);
    }

    /// <summary>An error about this file.</summary>
    internal AerieException Bad(string what, string? hint = null) => new($"{Path}: {what}", hint);

    internal string? Text(string key) => Find(key, "a text", kind => kind == GgufKind.Text) is { } value ? At(value).Text(key) : null;

    internal bool? Flag(string key) => Find(key, "true or false", kind => kind == GgufKind.Flag) is { } value ? At(value).Flag(key) : null;

    internal long? Whole(string key) => Find(key, "a whole number", IsWhole) is { } value ? At(value).Whole(value.Kind, key) : null;

    /// <summary>A number; that of a float32 is the decimal that its writer meant: 1e-05, not 9.99999974737875e-06.</summary>
    internal double? Number(string key) => Find(key, "a number", kind => IsWhole(kind) || IsFloat(kind)) is not { } value ? null
        : value.Kind == GgufKind.F32 ? double.Parse(((float)At(value).Float(value.Kind, key)).ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
        : IsFloat(value.Kind) ? At(value).Float(value.Kind, key) : At(value).Whole(value.Kind, key);

    internal bool IsArray(string key) => keys.TryGetValue(key, out var value) && value.Kind == GgufKind.Array;

    // Arrays are read only if they have no more elements than the caller has use for: the file may be as large as a disk.
    internal string[]? Texts(string key, long most = LargestArray) => Array(key, most, "texts", kind => kind == GgufKind.Text, (reader, _) => reader.Text(key));

    internal long[]? Wholes(string key, long most = LargestArray) => Array(key, most, "whole numbers", IsWhole, (reader, kind) => reader.Whole(kind, key));

    internal double[]? Numbers(string key, long most = LargestArray) =>
        Array(key, most, "numbers", kind => IsWhole(kind) || IsFloat(kind), (reader, kind) => IsFloat(kind) ? reader.Float(kind, key) : reader.Whole(kind, key));

    /// <summary>Ends the mapping.</summary>
    public void Dispose() => file.Dispose();

    static bool IsWhole(GgufKind kind) => kind is GgufKind.U8 or GgufKind.I8 or GgufKind.U16 or GgufKind.I16 or GgufKind.U32 or GgufKind.I32 or GgufKind.U64 or GgufKind.I64;

    static bool IsFloat(GgufKind kind) => kind is GgufKind.F32 or GgufKind.F64;

    // Read when asked for, long after opening: errors must say themselves where they are.
    GgufReader At(GgufValue value) => new(file, value.At, $"{Path}: ");

    GgufValue? Find(string key, string what, Func<GgufKind, bool> fits) => !keys.TryGetValue(key, out var value) ? null
        : fits(value.Kind) ? value : throw Bad($"key '{key}' should be {what}, it is {value}");

    T[]? Array<T>(string key, long most, string what, Func<GgufKind, bool> fits, Func<GgufReader, GgufKind, T> read)
    {
        if (!keys.TryGetValue(key, out var value)) return null;
        if (value.Kind != GgufKind.Array || !fits(value.Element)) throw Bad($"key '{key}' should be an array of {what}, it is {value}");
        if (value.Count > most) throw Bad($"key '{key}' has {value.Count} elements where {most} are the most");
        var (reader, result) = (At(value), new T[value.Count]);
        for (var i = 0; i < result.Length; i++) result[i] = read(reader, value.Element);
        return result;
    }

    static GgufTensor Tensor(GgufReader reader, long index)
    {
        var name = reader.Text($"the name of tensor {index}", LongestName);
        var what = $"tensor '{name}'";
        var dimensions = reader.U32(what);
        if (dimensions is < 1 or > MostDimensions) throw new AerieException($"{what} has {dimensions} dimensions; 1 to {MostDimensions} are possible");
        var (shape, count) = (new long[dimensions], 1L);
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var size = reader.U64(what);
            if (size is 0 or > long.MaxValue || (count = Product(count, (long)size)) < 0) throw new AerieException($"{what} has an impossible dimension of {size}");
            shape[i] = (long)size;
        }
        var (type, offset) = (GgufType.Find(reader.U32(what)), reader.U64(what));
        if (offset > long.MaxValue) throw new AerieException($"{what} begins at byte {offset} of the data");
        if (type.Expand is null) return new GgufTensor(name, type, shape, (long)offset, 0);
        if (shape[^1] % type.BlockLength != 0) throw new AerieException($"{what} has rows of {shape[^1]} numbers, which blocks of {type.BlockLength} ({type.Name}) do not fill");
        var bytes = Product(count / type.BlockLength, type.BlockBytes);
        return bytes > 0 ? new GgufTensor(name, type, shape, (long)offset, bytes) : throw new AerieException($"{what} is said to have {count} numbers");
    }

    // -1 where it does not fit into 63 bits.
    static long Product(long a, long b) => a > 0 && Math.BigMul(a, b, out var low) == 0 && low > 0 ? low : -1;

    void CheckPlaces()
    {
        var data = file.Length - dataStart;
        (string Name, long End) before = ("", 0);
        foreach (var tensor in Tensors.Where(t => t.ByteLength > 0).OrderBy(t => t.Offset))
        {
            if (tensor.Offset % Alignment != 0) throw new AerieException($"tensor '{tensor.Name}' begins at byte {tensor.Offset} of the data, not a multiple of {Alignment}");
            if (tensor.Offset < before.End) throw new AerieException($"tensor '{tensor.Name}' begins at byte {tensor.Offset} of the data, within '{before.Name}'");
            if (data < 0 || tensor.Offset > data - tensor.ByteLength)
                throw new AerieException($"tensor '{tensor.Name}' should be {tensor.ByteLength} bytes at byte {tensor.Offset} of the data, which has {Math.Max(data, 0)}", "The download was cut short; get the file again.");
            before = (tensor.Name, tensor.Offset + tensor.ByteLength);
        }
    }
}
