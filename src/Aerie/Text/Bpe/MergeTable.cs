// The merges of a BPE vocabulary: a pair of ids -> rank and id of what it becomes. A flat hash table with open addressing: one look is
// one line of the cache. The multiplier is drawn at random, so that a file cannot aim at collisions.
using System.Numerics;
using System.Security.Cryptography;

namespace Aerie.Text.Bpe;

sealed class MergeTable
{
    /// <summary>Rank of a pair that is never merged.</summary>
    internal const int Never = int.MaxValue;

    const ulong Empty = ulong.MaxValue;

    static readonly ulong Multiplier = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) | 1;

    struct Slot
    {
        internal ulong Key;
        internal int Rank, Id;
    }

    readonly Slot[] slots;
    readonly int shift;

    internal MergeTable(int count)
    {
        slots = new Slot[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(8, 2 * (long)count))];
        Array.Fill(slots, new Slot { Key = Empty });
        shift = 64 - BitOperations.Log2((uint)slots.Length);
    }

    /// <summary>The number of ranks.</summary>
    internal int Ranks { get; private set; }

    /// <summary>No merge ever brings up a pair of a lower rank than its own, as in every vocabulary that was trained.</summary>
    internal bool InOrder { get; private set; }

    /// <summary>Adds the next merge; of two of the same pair the later counts, as in the library.</summary>
    internal void Add(int left, int right, int id) => slots[Slotted(Pair(left, right))] = new Slot { Key = Pair(left, right), Rank = Ranks++, Id = id };

    /// <summary>To be called after the last one.</summary>
    internal void Finish()
    {
        // Each token's last rank among the merges that make it.
        var made = new Dictionary<int, int>();
        foreach (var slot in slots)
        {
            if (slot.Key != Empty) made[slot.Id] = Math.Max(slot.Rank, made.GetValueOrDefault(slot.Id));
        }
        InOrder = slots.All(slot => slot.Key == Empty || (made.GetValueOrDefault((int)(slot.Key >> 32), -1) < slot.Rank && made.GetValueOrDefault((int)(uint)slot.Key, -1) < slot.Rank));
    }

    /// <summary>Rank of the pair, or <see cref="Never"/>.</summary>
    internal int Rank(int left, int right, out int id)
    {
        ref readonly var slot = ref slots[Slotted(Pair(left, right))];
        id = slot.Id;
        return slot.Key == Empty ? Never : slot.Rank;
    }

    static ulong Pair(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    // Where the key is, or would be.
    int Slotted(ulong key)
    {
        var at = (int)(key * Multiplier >> shift);
        while (slots[at].Key != key && slots[at].Key != Empty) at = (at + 1) & (slots.Length - 1);
        return at;
    }

    /// <summary>Merges in place by looking for the best pair again and again: the square of the length, but of a short one.</summary>
    internal Span<int> MergeFew(Span<int> symbols)
    {
        var count = symbols.Length;
        if (count < 2) return symbols;
        Span<int> ranks = stackalloc int[count], made = stackalloc int[count];
        for (var i = 0; i + 1 < count; i++) ranks[i] = Rank(symbols[i], symbols[i + 1], out made[i]);
        while (true)
        {
            var (best, lowest) = (-1, Never);
            for (var i = 0; i + 1 < count; i++)
            {
                if (ranks[i] < lowest) (best, lowest) = (i, ranks[i]);
            }
            if (best < 0) return symbols[..count];
            symbols[best] = made[best];
            count--;
            symbols[(best + 2)..(count + 1)].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 1)..count].CopyTo(ranks[best..]);
            made[(best + 1)..count].CopyTo(made[best..]);
            if (best > 0) ranks[best - 1] = Rank(symbols[best - 1], symbols[best], out made[best - 1]);
            if (best + 1 < count) ranks[best] = Rank(symbols[best], symbols[best + 1], out made[best]);
        }
    }

    /// <summary>Merges in place with a linked list and a heap of pairs by (rank, place): n log n, whatever the merges are.</summary>
    internal Span<int> MergeByHeap(Span<int> symbols)
    {
        var count = symbols.Length;
        var (next, previous) = (new int[count], new int[count]);
        var heap = new PriorityQueue<(int At, int Left, int Right, int Id), (int Rank, int At)>();
        for (var i = 0; i < count; i++)
        {
            (next[i], previous[i]) = (i + 1, i - 1);
            Offer(i, symbols);
        }
        while (heap.TryDequeue(out var pair, out _))
        {
            // Symbols that changed since (a merged one has id -1) have offered their new pairs.
            var right = next[pair.At];
            if (symbols[pair.At] != pair.Left || right >= count || symbols[right] != pair.Right) continue;
            symbols[pair.At] = pair.Id;
            symbols[right] = -1;
            next[pair.At] = next[right];
            if (next[right] < count) previous[next[right]] = pair.At;
            if (previous[pair.At] >= 0) Offer(previous[pair.At], symbols);
            Offer(pair.At, symbols);
        }
        var left = 0;
        for (var i = 0; i < count; i = next[i]) symbols[left++] = symbols[i];
        return symbols[..left];

        void Offer(int at, Span<int> symbols)
        {
            if (next[at] < count && Rank(symbols[at], symbols[next[at]], out var id) is < Never and var rank) heap.Enqueue((at, symbols[at], symbols[next[at]], id), (rank, at));
        }
    }
}
