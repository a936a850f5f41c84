// Writes a safetensors file as the official writer lays it out: tensors by type (widest first), then by name in byte order;
// compact JSON, metadata first, spaces to a multiple of 8. Whole or not at all.
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Aerie.Formats;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions; none for a scalar.</param>
/// <param name="Write">Writes exactly the tensor's bytes (little endian, row-major).</param>
public sealed record SafetensorsSource(string Name, SafetensorsType Type, long[] Shape, Action<Stream> Write)
{
    /// <summary>A tensor whose bytes are at hand.</summary>
    public SafetensorsSource(string name, SafetensorsType type, long[] shape, ReadOnlyMemory<byte> bytes) : this(name, type, shape, stream => stream.Write(bytes.Span)) { }

    internal long ByteLength
    {
        get
        {
            var bytes = (long)Type.ByteSize();
            foreach (var size in Shape) bytes = checked(bytes * (size >= 0 ? size : throw new ArgumentException($"{Name}: a dimension of {size}")));
            return bytes;
        }
    }
}

/// <summary>Writes safetensors files.</summary>
public static class SafetensorsWriter
{
    /// <summary>Writes the tensors and metadata to <paramref name="path"/>; on failure nothing is left behind and an older file stays.</summary>
    /// <exception cref="AerieException">The folder cannot be written, or the disk is full.</exception>
    /// <exception cref="ArgumentException">A name is there twice, or a tensor writes another number of bytes than its shape says.</exception>
    public static void Write(string path, IEnumerable<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        WholeFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>The same onto a stream.</summary>
    public static void Write(Stream stream, IEnumerable<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        SafetensorsSource[] sorted = [.. tensors.OrderByDescending(t => t.Type).ThenBy(t => t.Name, Comparer<string>.Create(ByBytes))];
        stream.Write(Header(sorted, metadata));
        foreach (var tensor in sorted)
        {
            var counted = new CountingStream(stream);
            tensor.Write(counted);
            if (counted.Count != tensor.ByteLength) throw new ArgumentException($"{tensor.Name} wrote {counted.Count} bytes, its shape [{string.Join(", ", tensor.Shape)}] has {tensor.ByteLength}");
        }
    }

    static byte[] Header(SafetensorsSource[] sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        var json = new StringBuilder("{");
        if (metadata is not null)
        {
            json.Append("\"__metadata__\":{");
            foreach (var (key, value) in metadata) json.AppendJson(key).Append(':').AppendJson(value).Append(',');
            Close(json, '}').Append(',');
        }
        var (begin, names) = (0L, new HashSet<string> { "__metadata__" });
        foreach (var tensor in sorted)
        {
            if (!names.Add(tensor.Name)) throw new ArgumentException($"a tensor named '{tensor.Name}' is there twice or not allowed");
            json.AppendJson(tensor.Name).Append(CultureInfo.InvariantCulture,
                $$""":{"dtype":"{{tensor.Type.FormatName()}}","shape":[{{string.Join(',', tensor.Shape)}}],"data_offsets":[{{begin}},{{begin += tensor.ByteLength}}]},""");
        }
        var text = Encoding.UTF8.GetBytes(Close(json, '}').ToString());
        var header = new byte[8 + (text.Length + 7) / 8 * 8];
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        header.AsSpan(8).Fill((byte)' ');
        text.CopyTo(header, 8);
        return header;
    }

    // Takes back the last comma.
    static StringBuilder Close(StringBuilder json, char end)
    {
        if (json[^1] == ',') json.Length--;
        return json.Append(end);
    }

    // Byte order of UTF-8 is order by code point, which differs from .NET's ordinal order where surrogates are.
    static int ByBytes(string? a, string? b) => Encoding.UTF8.GetBytes(a!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b!));

    sealed class CountingStream(Stream inner) : Stream
    {
        internal long Count { get; private set; }

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => Count; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Count += buffer.Length;
            inner.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
