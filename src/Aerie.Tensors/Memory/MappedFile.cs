// A file read through the page cache: the bytes are where the kernel has them, nothing is copied and nothing is allocated.
using System.IO.MemoryMappedFiles;

namespace Aerie.Tensors.Memory;

/// <summary>A whole file mapped read-only into memory. Spans are valid until <see cref="Dispose"/>.</summary>
public sealed unsafe class MappedFile : IDisposable
{
    readonly MemoryMappedFile? map;
    readonly MemoryMappedViewAccessor? view;
    byte* start;

    /// <summary>Maps the file at <paramref name="path"/>.</summary>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public MappedFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        Length = file.Length;
        if (Length == 0) return;                                // an empty file cannot be mapped
        map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
    }

    /// <summary>Bytes in the file.</summary>
    public long Length { get; }

    /// <summary>The address of the first byte; zero for an empty file and after <see cref="Dispose"/>.</summary>
    public nint Address => (nint)start;

    /// <summary><paramref name="count"/> bytes from <paramref name="offset"/> on.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        ObjectDisposedException.ThrowIf(start == null && Length > 0, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - count);
        return new ReadOnlySpan<byte>(start + offset, count);
    }

    /// <summary>Ends the mapping; spans taken from it must not be used any more.</summary>
    public void Dispose()
    {
        if (start != null) view!.SafeMemoryMappedViewHandle.ReleasePointer();
        start = null;
        view?.Dispose();
        map?.Dispose();
    }
}
