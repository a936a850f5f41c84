// Unigram (Kudo 2018, arXiv:1804.10959): of all ways to cut a piece into tokens the one with the highest sum of scores (Viterbi).
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aerie.Text;

sealed class UnigramModel : TokenModel
{
    sealed class Node
    {
        internal readonly Dictionary<char, Node> Next = [];
        internal int Id = -1;
    }

    readonly Dictionary<string, int> vocabulary = [];
    readonly List<double> scores = [];
    readonly Node root = new();
    readonly int unknown;
    readonly double unknownScore;
    readonly bool byteFallback;

    internal UnigramModel(ComponentJson json)
    {
        byteFallback = json.Flag("byte_fallback", false);
        var list = json.Get("vocab");
        if (list.ValueKind != JsonValueKind.Array) throw json.Bad("'vocab' is not a list");
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() != 2 || item[0].ValueKind != JsonValueKind.String || item[1].ValueKind != JsonValueKind.Number)
                throw json.Bad($"vocab[{scores.Count}] is not a piece and its score");
            Add(item[0].GetString()!, item[1].GetDouble());
        }
        if (scores.Count == 0) throw json.Bad("an empty vocabulary");
        unknown = json.Find("unk_id") is null ? -1 : json.Id("unk_id");
        if (unknown >= scores.Count) throw json.Bad($"unk_id {unknown} is not in the vocabulary");
        unknownScore = scores.Min() - 10;
    }

    internal override IReadOnlyDictionary<string, int> Vocabulary => vocabulary;

    void Add(string piece, double score)
    {
        var id = scores.Count;
        scores.Add(score);
        if (piece.Length == 0 || !vocabulary.TryAdd(piece, id)) return;
        var node = root;
        foreach (var c in piece) node = node.Next.TryGetValue(c, out var next) ? next : node.Next[c] = new Node();
        node.Id = id;
    }

    internal override void Encode(in Piece piece, List<int> to) => Encode(piece.AsBytes ? ByteAlphabet.Map(piece).Text : piece.Text, to);

    void Encode(string piece, List<int> to)
    {
        // For each place that a token ends at: the best sum, where the token starts, and its id (-1: unknown).
        var best = new (double Score, int Start, int Id)[piece.Length + 1];
        Array.Fill(best, (double.NegativeInfinity, -1, -1));
        best[0].Score = 0;
        for (var start = 0; start < piece.Length;)
        {
            var length = char.IsHighSurrogate(piece[start]) && start + 1 < piece.Length ? 2 : 1;
            var (node, single) = (root, false);
            for (var end = start; end < piece.Length && node.Next.TryGetValue(piece[end], out var next); end++)
            {
                node = next;
                if (node.Id < 0) continue;
                Offer(start, end + 1, scores[node.Id], node.Id);
                single |= end + 1 - start == length;
            }
            if (!single) Offer(start, start + length, unknownScore, -1);
            start += length;
        }
        var path = new List<(int Start, int End, int Id)>();
        for (var end = piece.Length; end > 0; end = best[end].Start) path.Add((best[end].Start, end, best[end].Id));
        path.Reverse();
        for (var i = 0; i < path.Count; i++)
        {
            if (path[i].Id >= 0)
            {
                to.Add(path[i].Id);
                continue;
            }
            // Unknown characters in a row are one text.
            var from = path[i].Start;
            while (i + 1 < path.Count && path[i + 1].Id < 0) i++;
            Unknown(piece[from..path[i].End], to);
        }

        void Offer(int start, int end, double score, int id)
        {
            if (best[start].Score + score > best[end].Score) best[end] = (best[start].Score + score, start, id);
        }
    }

    void Unknown(string text, List<int> to)
    {
        int[] bytes = byteFallback ? [.. Encoding.UTF8.GetBytes(text).Select(b => vocabulary.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>"), -1))] : [-1];
        if (vocabulary.TryGetValue(text, out var whole)) to.Add(whole);
        else if (!bytes.Contains(-1)) to.AddRange(bytes);
        else if (unknown >= 0) to.Add(unknown);
    }
}
