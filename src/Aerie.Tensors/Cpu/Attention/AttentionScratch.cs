// Working memory of attention, kept from call to call: pieces for the call that a thread makes, and one for the items that it works on.
namespace Aerie.Tensors.Cpu.Attention;

static unsafe class AttentionScratch
{
    [ThreadStatic] static NativeBuffer? t_call, t_partials, t_items;

    /// <summary>Memory of a call, shared with the threads that help.</summary>
    public static byte* OfCall(long bytes) => Grown(ref t_call, bytes);

    /// <summary>Memory of a call for results that are joined later.</summary>
    public static byte* OfPartials(long bytes) => Grown(ref t_partials, bytes);

    /// <summary>Memory for the item that this thread works on.</summary>
    public static byte* OfThread(long bytes) => Grown(ref t_items, bytes);

    static byte* Grown(ref NativeBuffer? own, long bytes)
    {
        if (own is null || own.Bytes < bytes)
        {
            own?.Dispose();
            own = new NativeBuffer(bytes + bytes / 4);
        }
        return (byte*)own.Address;
    }

    public static long Bytes<T>(long count) where T : unmanaged => (count * sizeof(T) + 63) / 64 * 64;

    /// <summary>The next <paramref name="count"/> elements, 64-byte aligned.</summary>
    public static T* Carve<T>(ref byte* at, long count) where T : unmanaged
    {
        var piece = (T*)at;
        at += Bytes<T>(count);
        return piece;
    }
}
