// Byte-pair encoding is trained by merging the most frequent adjacent pair of symbols again and again (Sennrich et al. 2016).
// Counts are kept up to date word by word; a queue holds pairs with counts that may be out of date and are checked when they come up.
namespace Aerie.Benchmarks;

static class BpeTrainer
{
    /// <summary>The merges, by rank; each makes a token that no other one makes.</summary>
    internal static List<(string Left, string Right)> Train((string Word, long Count)[] words, int merges)
    {
        var (names, ids) = (new List<string>(), new Dictionary<string, int>());
        var symbols = Array.ConvertAll(words, w => w.Word.Select(c => Id(c.ToString())).ToList());
        var (counts, where) = (new Dictionary<long, long>(), new Dictionary<long, List<int>>());
        for (var w = 0; w < words.Length; w++) Count(w, 1);
        var queue = new PriorityQueue<long, (long, long)>();
        foreach (var (pair, count) in counts) queue.Enqueue(pair, (-count, pair));
        var done = new List<(string, string)>(merges);
        while (done.Count < merges && queue.TryDequeue(out var pair, out var priority))
        {
            var count = counts.GetValueOrDefault(pair);
            if (count != -priority.Item1)
            {
                if (count > 0) queue.Enqueue(pair, (-count, pair));
                continue;
            }
            var (left, right) = ((int)(pair >> 32), (int)pair);
            if (ids.ContainsKey(names[left] + names[right])) continue;
            done.Add((names[left], names[right]));
            var made = Id(names[left] + names[right]);
            var touched = new HashSet<long>();
            foreach (var w in where[pair].Distinct())
            {
                Count(w, -1);
                var list = symbols[w];
                for (var i = 0; i + 1 < list.Count; i++)
                {
                    if (list[i] != left || list[i + 1] != right) continue;
                    list[i] = made;
                    list.RemoveAt(i + 1);
                }
                Count(w, 1);
                for (var i = 0; i + 1 < list.Count; i++) touched.Add(Pair(list[i], list[i + 1]));
            }
            where.Remove(pair);
            foreach (var other in touched) queue.Enqueue(other, (-counts[other], other));
        }
        return done;

        int Id(string name)
        {
            if (ids.TryGetValue(name, out var id)) return id;
            names.Add(name);
            return ids[name] = names.Count - 1;
        }

        void Count(int w, int sign)
        {
            for (var i = 0; i + 1 < symbols[w].Count; i++)
            {
                var pair = Pair(symbols[w][i], symbols[w][i + 1]);
                counts[pair] = counts.GetValueOrDefault(pair) + sign * words[w].Count;
                if (sign < 0) continue;
                if (!where.TryGetValue(pair, out var list)) where[pair] = list = [];
                if (list.Count == 0 || list[^1] != w) list.Add(w);
            }
        }
    }

    static long Pair(int left, int right) => (long)left << 32 | (uint)right;
}
