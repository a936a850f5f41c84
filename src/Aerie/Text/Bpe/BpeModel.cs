// Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909): merge the adjacent pair of lowest rank, the leftmost among equals, until none is left.
// Most pieces are words seen before, whose ids are remembered; short ones are merged by looking for the best pair again and again,
// long ones by a heap, very long ones by buckets of ranks (linear in their length).
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aerie.Text.Bpe;

sealed class BpeModel : TokenModel
{
    // Chars of a piece whose symbols are on the stack; symbols that are merged by a plain search, and by a heap.
    const int FewChars = 64, FewSymbols = 96, ManySymbols = 2048;

    readonly Dictionary<string, int> vocabulary = [];
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> bySpan;
    readonly Dictionary<int, int> characters = [];
    readonly int[] bytes = new int[256], fallbacks = new int[256];
    readonly MergeTable merges;
    readonly WordCache words = new();
    readonly int unknown = -1, longest;
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
        merges = ReadMerges(json);
        if (json.TextOrNull("unk_token") is { } token) unknown = vocabulary.TryGetValue(token, out var id) ? id : throw json.Bad($"unk_token '{token}' is not in the vocabulary");
        bySpan = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        longest = vocabulary.Count == 0 ? 0 : vocabulary.Keys.Max(t => t.Length);
        for (var b = 0; b < 256; b++)
        {
            bytes[b] = characters.GetValueOrDefault(ByteAlphabet.Character((byte)b), -1);
            fallbacks[b] = vocabulary.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), -1);
        }
    }

    internal override IReadOnlyDictionary<string, int> Vocabulary => vocabulary;

    void ReadVocabulary(ComponentJson json)
    {
        var list = json.Get("vocab");
        if (list.ValueKind != JsonValueKind.Object) throw json.Bad("'vocab' is not an object");
        var ids = new HashSet<int>();
        foreach (var item in list.EnumerateObject())
        {
            var id = json.Id(item.Value, item.Name);
            if (!vocabulary.TryAdd(item.Name, id)) throw json.Bad($"token '{item.Name}' is there twice");
            if (!ids.Add(id)) throw json.Bad($"two tokens have id {id}");
            if (item.Name.Length > 0 && Rune.DecodeFromUtf16(item.Name, out var rune, out var length) == OperationStatus.Done && length == item.Name.Length) characters[rune.Value] = id;
        }
    }

    // As pairs, or in the older form "a b".
    MergeTable ReadMerges(ComponentJson json)
    {
        var list = json.Get("merges");
        if (list.ValueKind != JsonValueKind.Array) throw json.Bad("'merges' is not a list");
        var table = new MergeTable(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            string?[] parts = item.ValueKind switch
            {
                JsonValueKind.String => Array.ConvertAll(item.GetString()!.Split(' '), part => (string?)part),
                JsonValueKind.Array => [.. item.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.String ? p.GetString() : null)],
                _ => [],
            };
            if (parts is not [{ Length: > 0 } left, { Length: > 0 } right]) throw json.Bad($"merges[{table.Ranks}] is not two tokens: {item.GetRawText()}");
            table.Add(Known(left), Known(right), Known(left + right));
        }
        table.Finish();
        return table;

        int Known(string token) => vocabulary.TryGetValue(token, out var id) ? id : throw json.Bad($"merges[{table.Ranks}]: '{token}' is not in the vocabulary");
    }

    internal override void Encode(in Piece piece, List<int> to)
    {
        if (words.Find(piece, to)) return;
        var from = to.Count;
        if (ignoreMerges && Whole(piece) is >= 0 and var id) to.Add(id);
        else if (piece.Length <= FewChars)
        {
            Span<int> symbols = stackalloc int[6 * FewChars];
            Merge(symbols[..Symbols(piece, symbols)], to);
        }
        else
        {
            var most = !piece.AsBytes ? 3L * piece.Length : bytes.Min() >= 0 ? Encoding.UTF8.GetByteCount(piece.Span) : 6L * piece.Length;
            var symbols = ArrayPool<int>.Shared.Rent(checked((int)most));
            Merge(symbols.AsSpan(0, Symbols(piece, symbols)), to);
            ArrayPool<int>.Shared.Return(symbols);
        }
        words.Add(piece, to, from);
    }

    // The id of a piece that is a token as a whole, or -1.
    int Whole(in Piece piece)
    {
        if (piece.Length > longest) return -1;
        if (!piece.AsBytes) return bySpan.TryGetValue(piece.Span, out var plain) ? plain : -1;
        Span<char> mapped = piece.Length <= FewChars ? stackalloc char[3 * FewChars] : new char[3 * piece.Length];
        var count = 0;
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in piece.Span.EnumerateRunes())
        {
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)]) mapped[count++] = ByteAlphabet.Character(b);
        }
        return bySpan.TryGetValue(mapped[..count], out var id) ? id : -1;
    }

    // The ids of a piece's characters (or bytes); a character makes at most six.
    int Symbols(in Piece piece, Span<int> to)
    {
        var (count, unknownBefore) = (0, false);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in piece.Span.EnumerateRunes())
        {
            if (!piece.AsBytes) Add(rune, characters.GetValueOrDefault(rune.Value, -1), to);
            else if (rune.IsAscii && bytes[rune.Value] >= 0) to[count++] = bytes[rune.Value];
            else
            {
                foreach (var b in utf8[..rune.EncodeToUtf8(utf8)]) Add(new Rune(ByteAlphabet.Character(b)), bytes[b], to);
            }
        }
        return count;

        void Add(Rune rune, int id, Span<int> to)
        {
            var isUnknown = false;
            if (id >= 0) to[count++] = id;
            else if (byteFallback && AddBytes(rune, to[count..]) is > 0 and var added) count += added;
            else if (unknown >= 0)
            {
                if (!(fuseUnknown && unknownBefore)) to[count++] = unknown;
                isUnknown = true;
            }
            unknownBefore = isUnknown;
        }
    }

    // The tokens <0xHH> of a character's bytes, if all of them exist; how many.
    int AddBytes(Rune rune, Span<int> to)
    {
        Span<byte> utf8 = stackalloc byte[4];
        var length = rune.EncodeToUtf8(utf8);
        for (var i = 0; i < length; i++)
        {
            if (fallbacks[utf8[i]] < 0) return 0;
            to[i] = fallbacks[utf8[i]];
        }
        return length;
    }

    void Merge(Span<int> symbols, List<int> to)
    {
        if (symbols.Length <= FewSymbols) symbols = merges.MergeFew(symbols);
        else if (symbols.Length <= ManySymbols || !merges.InOrder) symbols = merges.MergeByHeap(symbols);
        else symbols = new RankBuckets(merges, symbols).Merge();
        to.AddRange(symbols);
    }
}
