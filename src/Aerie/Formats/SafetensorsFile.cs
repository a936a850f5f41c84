// One safetensors file, memory-mapped: 8 bytes of header length, the JSON header, the data.
using System.Buffers.Binary;
using Aerie.Tensors;
using Aerie.Tensors.Memory;

namespace Aerie.Formats;

/// <summary>A memory-mapped safetensors file. Opening reads the header only.</summary>
public sealed class SafetensorsFile : IDisposable
{
    readonly MappedFile file;
    readonly SafetensorsHeader header;

    SafetensorsFile(string path, MappedFile file)
    {
        Path = path;
        this.file = file;
        if (file.Length < 8) throw new AerieException($"a file of {file.Length} bytes is too short");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Bytes(0, 8));
        if (length > SafetensorsHeader.LargestHeader) throw new AerieException($"a header of {length} bytes is above the format's limit of {SafetensorsHeader.LargestHeader}");
        if (length > (ulong)(file.Length - 8)) throw new AerieException($"the header is said to be {length} bytes long, the file has {file.Length}");
        DataStart = 8 + (long)length;
        header = SafetensorsHeader.Parse(file.Bytes(8, (int)length), file.Length - DataStart);
    }

    /// <summary>Opens and checks the file.</summary>
    /// <exception cref="AerieException">The file is missing, cannot be read, or is not a valid safetensors file.</exception>
    public static SafetensorsFile Open(string path)
    {
        MappedFile? file = null;
        try
        {
            file = new MappedFile(path);
            return new SafetensorsFile(path, file);
        }
        catch (AerieException problem)
        {
            file?.Dispose();
            throw new AerieException($"{path}: {problem.Message}", "The file is damaged or not a safetensors file; get it again.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new AerieException($"{path}: cannot be read: {problem.Message}", null, problem);
        }
    }

    /// <summary>Where it was opened.</summary>
    public string Path { get; }

    /// <summary>Bytes before the data.</summary>
    public long DataStart { get; }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => header.Entries;

    /// <summary>The strings of <c>__metadata__</c>; null when the file has none.</summary>
    public IReadOnlyDictionary<string, string>? Metadata => header.Metadata;

    /// <summary>The bytes of a tensor of this file (little endian, not aligned), valid until <see cref="Dispose"/>.</summary>
    /// <exception cref="ArgumentException">The tensor is above 2 GiB: read it in pieces.</exception>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.ByteLength > int.MaxValue) throw new ArgumentException($"{entry} is above 2 GiB");
        return Bytes(entry, 0, (int)entry.ByteLength);
    }

    /// <summary><paramref name="count"/> bytes of a tensor from byte <paramref name="from"/> of it on.</summary>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long from, int count)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from, entry.ByteLength - count);
        return file.Bytes(DataStart + entry.Begin + from, count);
    }

    /// <summary>A bf16 or f32 tensor where it lies in the file, not to be written to; null where its type is another or its bytes are not aligned.</summary>
    public Tensor? View(SafetensorsEntry entry, Shape shape)
    {
        if (entry.Count != shape.Count || entry.Type is not (SafetensorsType.BF16 or SafetensorsType.F32)) return null;
        return file.View(DataStart + entry.Begin, shape, entry.Type == SafetensorsType.BF16 ? DType.BF16 : DType.F32);
    }

    /// <summary>The tensor's bytes are not needed soon: they need not stay in the process's memory.</summary>
    public void Forget(SafetensorsEntry entry) => file.Forget(DataStart + entry.Begin, entry.ByteLength);

    /// <summary>Ends the mapping.</summary>
    public void Dispose() => file.Dispose();
}
