// Text to tokens for training: the merges of tokenizer.json applied to each piece of text, every different piece once.
// The corpus is drawn on the fly and has few different words, so nearly all pieces are found in the memory. Plain text only.
using System.Text;
using System.Text.Json;

namespace Aerie.Fledgling;

internal sealed class CorpusEncoder
{
    readonly Dictionary<string, int> vocabulary = [];
    readonly Dictionary<(string, string), int> ranks = [];
    readonly Dictionary<string, int[]> known = [];
    readonly string[] symbols = BytePairTrainer.ByteSymbols();

    public CorpusEncoder(string folder)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        JsonElement model = file.RootElement.GetProperty("model");
        foreach (JsonProperty token in model.GetProperty("vocab").EnumerateObject())
            vocabulary.Add(token.Name, token.Value.GetInt32());
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray())
            ranks.Add((merge[0].GetString()!, merge[1].GetString()!), ranks.Count);
    }

    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        foreach (string piece in BytePairTrainer.Cut(text))
        {
            if (!known.TryGetValue(piece, out int[]? tokens))
                known.Add(piece, tokens = Merge(piece));
            ids.AddRange(tokens);
        }
        return ids;
    }

    int[] Merge(string piece)
    {
        List<string> parts = [.. Encoding.UTF8.GetBytes(piece).Select(value => symbols[value])];
        while (true)
        {
            int best = int.MaxValue, at = 0;
            for (int i = 0; i + 1 < parts.Count; i++)
                if (ranks.TryGetValue((parts[i], parts[i + 1]), out int rank) && rank < best)
                    (best, at) = (rank, i);
            if (best == int.MaxValue)
                return [.. parts.Select(part => vocabulary[part])];
            parts[at] += parts[at + 1];
            parts.RemoveAt(at + 1);
        }
    }
}
