// The ids of words seen before. A fixed number of slots, two for each word; an entry is one array that never changes, so threads share
// the cache without locks: at worst one of them does not see what another has found.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Aerie.Text.Bpe;

sealed class WordCache
{
    const int Slots = 1 << 16, LongestWord = 64;

    // Hash, length (its sign: as bytes or not), the chars two by two, the ids.
    readonly int[]?[] entries = new int[]?[Slots];

    /// <summary>Appends the ids of a piece if they are known.</summary>
    internal bool Find(in Piece piece, List<int> to)
    {
        if (piece.Length > LongestWord) return false;
        var text = piece.Span;
        var hash = Hash(text);
        var slot = hash & (Slots - 1);
        var entry = entries[slot];
        if (!Is(entry, hash, piece, text))
        {
            entry = entries[slot ^ 1];
            if (!Is(entry, hash, piece, text)) return false;
        }
        var ids = 2 + (text.Length + 1) / 2;
        if (ids + 1 == entry.Length) to.Add(entry[ids]);
        else to.AddRange(entry.AsSpan(ids));
        return true;
    }

    /// <summary>Remembers the ids of a piece: those of the list from <paramref name="from"/>.</summary>
    internal void Add(in Piece piece, List<int> ids, int from)
    {
        if (piece.Length > LongestWord) return;
        var text = piece.Span;
        var hash = Hash(text);
        var start = 2 + (text.Length + 1) / 2;
        var entry = new int[start + ids.Count - from];
        (entry[0], entry[1]) = (hash, Signed(piece));
        text.CopyTo(MemoryMarshal.Cast<int, char>(entry.AsSpan(2)));
        CollectionsMarshal.AsSpan(ids)[from..].CopyTo(entry.AsSpan(start));
        var slot = hash & (Slots - 1);
        entries[slot ^ 1] = entries[slot];                     // the older of two goes
        entries[slot] = entry;
    }

    static int Signed(in Piece piece) => piece.AsBytes ? -piece.Length : piece.Length;

    static bool Is([NotNullWhen(true)] int[]? entry, int hash, in Piece piece, ReadOnlySpan<char> text) =>
        entry is not null && entry[0] == hash && entry[1] == Signed(piece) && MemoryMarshal.Cast<int, char>(entry.AsSpan(2))[..text.Length].SequenceEqual(text);

    // Four chars at a time.
    static int Hash(ReadOnlySpan<char> text)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        var hash = (ulong)text.Length * Multiplier;
        var words = MemoryMarshal.Cast<char, ulong>(text);
        foreach (var word in words) hash = Mixed(hash ^ word);
        ulong rest = 0;
        foreach (var c in text[(4 * words.Length)..]) rest = rest << 16 | c;
        return (int)(Mixed(hash ^ rest) >> 32);

        static ulong Mixed(ulong value)
        {
            value *= Multiplier;
            return value ^ value >> 32;
        }
    }
}
