// A file read through the page cache: the bytes are where the kernel has them, nothing is copied and nothing is allocated.
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Aerie.Tensors.Memory;

/// <summary>A whole file mapped read-only into memory. Spans are valid until <see cref="Dispose"/>.</summary>
public sealed unsafe partial class MappedFile : IDisposable
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

    /// <summary>A tensor over the file's bytes: nothing is copied, it is valid until <see cref="Dispose"/> and not to be written to. Null where the bytes are not aligned for it.</summary>
    public Tensor? View(long offset, Shape shape, DType dtype)
    {
        ObjectDisposedException.ThrowIf(start == null, this);
        var bytes = shape.Count * dtype.Size();
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - bytes);
        return (nint)(start + offset) % dtype.Size() == 0 ? Tensor.Over(start + offset, shape, dtype) : null;
    }

    /// <summary>Takes a range out of the process's memory until it is read again; the page cache keeps it. A remark to the system, not a promise.</summary>
    public void Forget(long offset, long count)
    {
        if (!OperatingSystem.IsLinux() || start == null) return;
        var (page, from, to) = ((long)Environment.SystemPageSize, (long)start + offset, (long)start + offset + count);
        (from, to) = ((from + page - 1) / page * page, to / page * page);
        if (to > from) _ = Advise((void*)from, (nuint)(to - from), DontNeed);
    }

    const int DontNeed = 4;

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    /// <summary>Ends the mapping; spans taken from it must not be used any more.</summary>
    public void Dispose()
    {
        if (start != null) view!.SafeMemoryMappedViewHandle.ReleasePointer();
        start = null;
        view?.Dispose();
        map?.Dispose();
    }
}
