// 64-byte-aligned native memory with one owner. Totals are counted, so that leaks and high-water marks can be shown.
using System.Runtime.InteropServices;

namespace Aerie.Tensors;

/// <summary>Native memory, zeroed unless said otherwise.</summary>
sealed unsafe class NativeBuffer : IDisposable
{
    const int Alignment = 64;
    readonly bool counted;
    void* allocated, address;

    /// <param name="bytes">Size.</param>
    /// <param name="counted">False: the caller counts what it touches.</param>
    /// <param name="zeroed">False: the caller writes all of it before anybody reads it.</param>
    public NativeBuffer(long bytes, bool counted = true, bool zeroed = true)
    {
        (Bytes, this.counted) = (Math.Max(bytes, 1), counted);
        // zeroed by the system page by page when first touched: what nobody uses costs nothing
        try { allocated = zeroed ? NativeMemory.AllocZeroed(checked((nuint)Bytes + Alignment)) : NativeMemory.Alloc(checked((nuint)Bytes + Alignment)); }
        catch (OutOfMemoryException e) { throw new InsufficientMemoryException($"cannot allocate {Bytes:N0} bytes of native memory", e); }
        address = (void*)(((nuint)allocated + Alignment - 1) & ~(nuint)(Alignment - 1));
        if (counted) NativeBytes.Add(Bytes);
    }

    public long Bytes { get; }
    public void* Address => address != null ? address : throw new ObjectDisposedException(nameof(NativeBuffer));

    public void Dispose()
    {
        if (address == null) return;
        NativeMemory.Free(allocated);
        address = allocated = null;
        if (counted) NativeBytes.Add(-Bytes);
    }
}

/// <summary>Native bytes held by tensors, arenas and packed matrices.</summary>
public static class NativeBytes
{
    static long current, peak;

    public static long Current => Interlocked.Read(ref current);
    public static long Peak => Interlocked.Read(ref peak);

    internal static void Add(long bytes)
    {
        var now = Interlocked.Add(ref current, bytes);
        for (var seen = Peak; now > seen; seen = Peak)
            if (Interlocked.CompareExchange(ref peak, now, seen) == seen) break;
    }
}
