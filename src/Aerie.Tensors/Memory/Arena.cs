// The memory of one step: blocks are rented and returned by address order, first fit, neighbours joined; everything at once at the end.
// Chunks stay for the next step, so a run settles at the high-water mark of its largest step. They are reserved large, for memory that was never
// touched costs nothing and few borders mean few pieces; what was touched is what counts as held.
namespace Aerie.Tensors;

/// <summary>Owner of activations and gradients of activations.</summary>
public sealed unsafe class Arena : IDisposable
{
    const long Alignment = 64;
    readonly List<Chunk> chunks = [];
    readonly long chunkBytes;

    /// <param name="chunkBytes">Least size of one reservation; later ones double what there is.</param>
    public Arena(long chunkBytes = 256L << 20) => this.chunkBytes = chunkBytes;

    /// <summary>Bytes in use now, most bytes in use ever, bytes ever touched (held from the system), and bytes of address space.</summary>
    public long InUse { get; private set; }
    public long HighWater { get; private set; }
    public long Held => chunks.Sum(c => c.Touched);
    internal long Reserved => chunks.Sum(c => c.Buffer.Bytes);

    internal void* Rent(long bytes)
    {
        bytes = Math.Max(Alignment, (bytes + Alignment - 1) / Alignment * Alignment);
        InUse += bytes;
        HighWater = Math.Max(HighWater, InUse);
        foreach (var chunk in chunks)
            if (chunk.TryTake(bytes, out var at)) return (byte*)chunk.Buffer.Address + at;
        var fresh = new Chunk(new NativeBuffer(Math.Max(Math.Max(chunkBytes, bytes), Reserved), counted: false));
        chunks.Add(fresh);
        fresh.TryTake(bytes, out var offset);
        return (byte*)fresh.Buffer.Address + offset;
    }

    internal void Return(void* address, long bytes)
    {
        bytes = Math.Max(Alignment, (bytes + Alignment - 1) / Alignment * Alignment);
        foreach (var chunk in chunks)
        {
            var at = (byte*)address - (byte*)chunk.Buffer.Address;
            if (at < 0 || at >= chunk.Buffer.Bytes) continue;
            chunk.Give(at, bytes);
            InUse -= bytes;
            return;
        }
        throw new ArgumentException("this memory is not of this arena", nameof(address));
    }

    /// <summary>Takes everything back; tensors rented before must not be used any more (debug builds fill them with NaN).</summary>
    public void Reset()
    {
        foreach (var chunk in chunks) chunk.Reset();
        InUse = 0;
    }

    public void Dispose()
    {
        foreach (var chunk in chunks) chunk.Dispose();
        chunks.Clear();
    }

    sealed class Chunk : IDisposable
    {
        readonly List<(long Begin, long End)> free = [];   // sorted, never adjacent

        public Chunk(NativeBuffer buffer)
        {
            Buffer = buffer;
            Reset();
        }

        public NativeBuffer Buffer { get; }
        public long Touched { get; private set; }

        public void Dispose()
        {
            NativeBytes.Add(-Touched);
            Buffer.Dispose();
        }

        public void Reset()
        {
            free.Clear();
            free.Add((0, Buffer.Bytes));
#if DEBUG
            new Span<byte>(Buffer.Address, (int)Math.Min(Touched, int.MaxValue)).Fill(0xff);
#endif
        }

        public bool TryTake(long bytes, out long at)
        {
            for (var i = 0; i < free.Count; i++)
            {
                var (begin, end) = free[i];
                if (end - begin < bytes) continue;
                at = begin;
                if (end - begin == bytes) free.RemoveAt(i);
                else free[i] = (begin + bytes, end);
                if (begin + bytes <= Touched) return true;
                NativeBytes.Add(begin + bytes - Touched);
                Touched = begin + bytes;
                return true;
            }
            at = 0;
            return false;
        }

        public void Give(long begin, long bytes)
        {
            var end = begin + bytes;
            var i = 0;
            while (i < free.Count && free[i].Begin < begin) i++;
            var joinsLeft = i > 0 && free[i - 1].End == begin;
            var joinsRight = i < free.Count && free[i].Begin == end;
            if (joinsLeft && joinsRight)
            {
                free[i - 1] = (free[i - 1].Begin, free[i].End);
                free.RemoveAt(i);
            }
            else if (joinsLeft) free[i - 1] = (free[i - 1].Begin, end);
            else if (joinsRight) free[i] = (begin, free[i].End);
            else free.Insert(i, (begin, end));
        }
    }
}
