// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909): merge the adjacent pair of lowest rank, the leftmost among equals, until none is left.
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aerie.Text;

sealed class BpeModel : TokenModel
{
    const int LargestCached = 64, LargestCache = 1 << 17;

    readonly Dictionary<string, int> vocabulary = [];
    readonly Dictionary<long, (int Rank, int Id)> merges = [];
    readonly Dictionary<int, int> characters = [];
    readonly ConcurrentDictionary<string, int[]> words = new();
    readonly int unknown = -1;
    int cached;
    readonly bool fuseUnknown, byteFallback, ignoreMerges;

    internal BpeModel(ComponentJson json)
    {
        if (json.Find("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0)) throw json.Bad("dropout is not supported");
        foreach (var name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (json.TextOrNull(name) is not (null or "")) throw json.Bad($"{name} is not supported");
        }
        fuseUnknown = json.Flag("fuse_unk", false);
        byteFallback = json.Flag("byte_fallback", false);
        ignoreMerges = json.Flag("ignore_merges", false);
        ReadVocabulary(json);
        ReadMerges(json);
        if (json.TextOrNull("unk_token") is { } token) unknown = vocabulary.TryGetValue(token, out var id) ? id : throw json.Bad($"unk_token '{token}' is not in the vocabulary");
    }

    internal override IReadOnlyDictionary<string, int> Vocabulary => vocabulary;

    void ReadVocabulary(ComponentJson json)
    {
        var list = json.Get("vocab");
        if (list.ValueKind != JsonValueKind.Object) throw json.Bad("'vocab' is not an object");
        var ids = new HashSet<int>();
        foreach (var item in list.EnumerateObject())
        {
            var id = json.Id(item.Value, $"vocab.{item.Name}");
            if (!vocabulary.TryAdd(item.Name, id)) throw json.Bad($"token '{item.Name}' is there twice");
            if (!ids.Add(id)) throw json.Bad($"two tokens have id {id}");
            if (item.Name.Length > 0 && Rune.DecodeFromUtf16(item.Name, out var rune, out var length) == System.Buffers.OperationStatus.Done && length == item.Name.Length) characters[rune.Value] = id;
        }
    }

    // As pairs, or in the older form "a b".
    void ReadMerges(ComponentJson json)
    {
        var list = json.Get("merges");
        if (list.ValueKind != JsonValueKind.Array) throw json.Bad("'merges' is not a list");
        var rank = 0;
        foreach (var item in list.EnumerateArray())
        {
            string?[] parts = item.ValueKind switch
            {
                JsonValueKind.String => Array.ConvertAll(item.GetString()!.Split(' '), part => (string?)part),
                JsonValueKind.Array => [.. item.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.String ? p.GetString() : null)],
                _ => [],
            };
            if (parts is not [{ Length: > 0 } left, { Length: > 0 } right]) throw json.Bad($"merges[{rank}] is not two tokens: {item.GetRawText()}");
            merges[Pair(Known(left), Known(right))] = (rank, Known(left + right));     // of two equal ones the later counts, as in the library
            rank++;
        }

        int Known(string token) => vocabulary.TryGetValue(token, out var id) ? id : throw json.Bad($"merges[{rank}]: '{token}' is not in the vocabulary");
    }

    static long Pair(int left, int right) => (long)left << 32 | (uint)right;

    internal override void Encode(string piece, List<int> to)
    {
        if (words.TryGetValue(piece, out var known))
        {
            to.AddRange(known);
            return;
        }
        var from = to.Count;
        if (ignoreMerges && vocabulary.TryGetValue(piece, out var whole)) to.Add(whole);
        else Merge(Symbols(piece), to);
        if (piece.Length > LargestCached) return;
        // Counting a concurrent dictionary takes all its locks, so the count is kept beside it.
        if (Interlocked.Increment(ref cached) > LargestCache)
        {
            words.Clear();
            cached = 0;
        }
        words[piece] = [.. to[from..]];
    }

    List<int> Symbols(string piece)
    {
        var symbols = new List<int>(piece.Length);
        var unknownBefore = false;
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in piece.EnumerateRunes())
        {
            var isUnknown = false;
            if (characters.TryGetValue(rune.Value, out var id)) symbols.Add(id);
            else if (byteFallback && AddBytes(bytes[..rune.EncodeToUtf8(bytes)], symbols)) { }
            else if (unknown >= 0)
            {
                if (!(fuseUnknown && unknownBefore)) symbols.Add(unknown);
                isUnknown = true;
            }
            unknownBefore = isUnknown;
        }
        return symbols;
    }

    bool AddBytes(ReadOnlySpan<byte> bytes, List<int> symbols)
    {
        var from = symbols.Count;
        foreach (var b in bytes)
        {
            if (vocabulary.TryGetValue(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), out var id))
            {
                symbols.Add(id);
                continue;
            }
            symbols.RemoveRange(from, symbols.Count - from);
            return false;
        }
        return true;
    }

    // A linked list of symbols and a heap of pairs by (rank, place): n log n for a piece of any length.
    void Merge(List<int> symbols, List<int> to)
    {
        var count = symbols.Count;
        var (next, previous) = (new int[count], new int[count]);
        var heap = new PriorityQueue<(int At, int Left, int Right, int Id), (int Rank, int At)>();
        for (var i = 0; i < count; i++)
        {
            (next[i], previous[i]) = (i + 1, i - 1);
            Offer(i);
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
            if (previous[pair.At] >= 0) Offer(previous[pair.At]);
            Offer(pair.At);
        }
        for (var i = 0; i < count; i = next[i]) to.Add(symbols[i]);

        void Offer(int at)
        {
            if (next[at] < count && merges.TryGetValue(Pair(symbols[at], symbols[next[at]]), out var merge)) heap.Enqueue((at, symbols[at], symbols[next[at]], merge.Id), (merge.Rank, at));
        }
    }
}
