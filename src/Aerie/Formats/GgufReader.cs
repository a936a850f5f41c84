// Walks through the header of a GGUF file. Nothing is believed: every length is compared with what is left of the file before anything is taken.
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Aerie.Tensors.Memory;

namespace Aerie.Formats;

/// <summary>Kinds of values, by their number in the file.</summary>
enum GgufKind { U8, I8, U16, I16, U32, I32, F32, Flag, Text, Array, U64, I64, F64 }

/// <summary>Where a value is, and for an array what it holds.</summary>
readonly record struct GgufValue(GgufKind Kind, long At, GgufKind Element = default, long Count = 0)
{
    public override string ToString() => Kind == GgufKind.Array ? $"an array of {Count} x {Element}" : $"{Kind}";
}

sealed class GgufReader(MappedFile file, long at, string where = "")
{
    internal const int LongestKey = 65535;
    const int LongestText = 1 << 26, DeepestArray = 4;

    // In the order of GgufKind; 0: text and array.
    static readonly int[] Sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

    internal long At { get; private set; } = at;

    long Left => file.Length - At;

    AerieException Bad(string what, string? hint = null) => new(where + what, hint);

    internal void Magic()
    {
        if (Left < 4) throw Bad($"a file of {Left} bytes is too short");
        var magic = Take(4, "the magic");
        if (magic.SequenceEqual("GGUF"u8)) return;
        if (magic.SequenceEqual("FUGG"u8)) throw BigEndian();
        if (magic.SequenceEqual("lmgg"u8) || magic.SequenceEqual("tjgg"u8) || magic.SequenceEqual("fmgg"u8) || magic.SequenceEqual("algg"u8))
            throw Bad("this is a GGML file, from before GGUF", "Convert it with llama.cpp's convert_llama_ggml_to_gguf.py, or get a .gguf file of the model.");
        throw Bad($"does not begin with GGUF but with {Convert.ToHexString(magic)}",
            magic.SequenceEqual("vers"u8) ? "This looks like a Git LFS pointer: run `git lfs pull`, or download the file itself." : "Give a .gguf file; a safetensors model needs no import.");
    }

    internal uint Version()
    {
        var version = U32("the version");
        if (version is 2 or 3) return version;
        throw BinaryPrimitives.ReverseEndianness(version) is > 0 and < 256 ? BigEndian() : Bad($"GGUF version {version} is not supported", "Versions 2 and 3 are read; convert the file with a current llama.cpp.");
    }

    AerieException BigEndian() => Bad("this is a big-endian GGUF file, which is not supported", "Get the little-endian file; nearly all are.");

    /// <summary>A number of things that need at least <paramref name="least"/> bytes each.</summary>
    internal long Count(string what, int least)
    {
        var count = U64(what);
        return count <= (ulong)(Left / least) ? (long)count : throw Bad($"{what} is {count}, for which {Left} bytes are too few");
    }

    internal uint U32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    internal ulong U64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    internal string Text(string what, int most = LongestText)
    {
        var bytes = Take(Length(what, most), what);
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Bad($"{what} at byte {At - bytes.Length} is not UTF-8");
    }

    internal bool Flag(string what) => Take(1, what)[0] switch { 0 => false, 1 => true, var other => throw Bad($"{what} is {other}, neither false (0) nor true (1)") };

    internal long Whole(GgufKind kind, string what)
    {
        var bytes = Take(Sizes[(int)kind], what);
        return kind switch
        {
            GgufKind.U8 => bytes[0],
            GgufKind.I8 => (sbyte)bytes[0],
            GgufKind.U16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufKind.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufKind.U32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufKind.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            _ => BinaryPrimitives.ReadInt64LittleEndian(bytes) is var n && (n >= 0 || kind == GgufKind.I64) ? n : throw Bad($"{what} is {(ulong)n}, which no model needs"),
        };
    }

    internal double Float(GgufKind kind, string what)
    {
        var bytes = Take(Sizes[(int)kind], what);
        return kind == GgufKind.F32 ? BinaryPrimitives.ReadSingleLittleEndian(bytes) : BinaryPrimitives.ReadDoubleLittleEndian(bytes);
    }

    /// <summary>The value of a key: its place; what it says is looked at when somebody asks.</summary>
    internal GgufValue Value(string key)
    {
        var kind = Kind(key);
        if (kind != GgufKind.Array)
        {
            var place = At;
            if (kind == GgufKind.Text) Skip(Length(key, LongestText), key);
            else Skip(Sizes[(int)kind], key);
            return new GgufValue(kind, place);
        }
        var (element, count) = Elements(key);
        var value = new GgufValue(kind, At, element, count);
        SkipElements(element, count, key, 1);
        return value;
    }

    GgufKind Kind(string key) => U32(key) is var kind && kind < Sizes.Length ? (GgufKind)kind : throw Bad($"key '{key}' is of the unknown kind {kind}");

    (GgufKind, long) Elements(string key)
    {
        var element = Kind(key);
        return (element, Count($"the length of array '{key}'", element switch { GgufKind.Text => 8, GgufKind.Array => 12, _ => Sizes[(int)element] }));
    }

    void SkipElements(GgufKind element, long count, string key, int depth)
    {
        if (element is not (GgufKind.Text or GgufKind.Array)) Skip(count * Sizes[(int)element], key);
        else for (long i = 0; i < count; i++)
        {
            if (element == GgufKind.Text) Skip(Length(key, LongestText), key);
            else
            {
                if (depth == DeepestArray) throw Bad($"key '{key}' has arrays within arrays, more than {DeepestArray} deep");
                var (inner, length) = Elements(key);
                SkipElements(inner, length, key, depth + 1);
            }
        }
    }

    int Length(string what, int most)
    {
        var length = U64(what);
        if (length > (ulong)Left) throw Bad($"{what} at byte {At - 8} is said to be {length} bytes long, the file has {Left} more");
        return length <= (ulong)most ? (int)length : throw Bad($"{what} at byte {At - 8} is said to be {length} bytes long; at most {most} are read");
    }

    ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left) throw Bad($"the file ends at byte {file.Length}, within {what}", "The download was cut short; get the file again.");
        At += count;
        return file.Bytes(At - count, count);
    }

    void Skip(long count, string what)
    {
        if (count > Left) throw Bad($"the file ends at byte {file.Length}, within {what}", "The download was cut short; get the file again.");
        At += count;
    }
}
