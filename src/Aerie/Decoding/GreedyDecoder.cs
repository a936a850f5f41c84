// Plain greedy decoding: read, take the token of the highest logit (lowest id on ties), append, repeat. Several sequences go through each pass together;
// a sequence that is still being read gives the pass a chunk of its prompt, one that is being written gives its newest token. When one ends, the next begins in its place.
using Aerie.Targets;

namespace Aerie.Decoding;

/// <summary>Decodes with the target alone: what every other way of decoding must equal.</summary>
/// <param name="target">The target.</param>
/// <param name="sequences">How many texts are in work at once.</param>
/// <param name="chunk">Most rows of a pass: long prompts are read in pieces.</param>
public sealed class GreedyDecoder(Target target, int sequences = 8, int chunk = 512) : IDisposable
{
    readonly TargetWorkspace work = new(Math.Max(chunk, sequences), sequences);
    readonly PassRows rows = new(Math.Max(chunk, sequences));

    sealed class Slot(CachedSequence cached)
    {
        public readonly CachedSequence Cached = cached;
        public readonly List<int> Output = [];
        public int[] Unread = [];                     // what the target has not seen: the prompt, later the newest token
        public int Read, Index = -1, Limit;
    }

    /// <summary>Decodes one text.</summary>
    public int[] Decode(DecodingRequest request, Action<int>? onToken = null, CancellationToken cancellation = default)
        => Decode([request], onToken is null ? null : (_, token) => onToken(token), cancellation)[0];

    /// <summary>Decodes many texts; the outputs come in the order of the requests.</summary>
    /// <param name="requests">The texts.</param>
    /// <param name="onToken">Told every token as it comes: index of the request, token.</param>
    /// <param name="cancellation">Checked before every pass.</param>
    public int[][] Decode(IReadOnlyList<DecodingRequest> requests, Action<int, int>? onToken = null, CancellationToken cancellation = default)
    {
        var limits = requests.Select(r => r.Check(target.Config)).ToArray();
        var outputs = new int[requests.Count][];
        if (requests.Count == 0) return outputs;
        var capacity = Enumerable.Range(0, requests.Count).Max(i => requests[i].Prompt.Count + limits[i]);
        var count = Math.Min(sequences, requests.Count);
        using var cache = target.NewCache([.. Enumerable.Repeat(capacity, count)]);
        var slots = cache.Sequences.Select(s => new Slot(s)).ToArray();
        var (wanted, best, owners) = (new int[count], new int[count], new Slot[count]);
        var next = 0;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var slot in slots)
                if (slot.Index < 0 && next < requests.Count) Begin(slot, requests[next], next, limits[next++]);
            var asked = Fill(slots, wanted, owners);
            if (rows.Count == 0) return outputs;
            target.Forward(rows, cache, work);
            if (asked == 0) continue;
            target.NextTokens(work, wanted.AsSpan(0, asked), best.AsSpan(0, asked));
            for (var i = 0; i < asked; i++)
            {
                var slot = owners[i];
                onToken?.Invoke(slot.Index, best[i]);
                slot.Output.Add(best[i]);
                if (slot.Output.Count < slot.Limit && !requests[slot.Index].IsStop(best[i]))
                {
                    if (slot.Unread.Length != 1) slot.Unread = new int[1];
                    (slot.Unread[0], slot.Read) = (best[i], 0);
                    continue;
                }
                outputs[slot.Index] = [.. slot.Output];
                slot.Index = -1;
            }
        }
    }

    static void Begin(Slot slot, DecodingRequest request, int index, int limit)
    {
        (slot.Index, slot.Limit, slot.Unread, slot.Read) = (index, limit, [.. request.Prompt], 0);
        slot.Output.Clear();
        slot.Cached.ShortenTo(0);
        slot.Cached.PromptLength = request.Prompt.Count;
    }

    // Newest tokens first: every text that is being written moves on in every pass. The room that is left goes to prompts.
    int Fill(Slot[] slots, int[] wanted, Slot[] owners)
    {
        rows.Clear();
        var asked = 0;
        for (var writing = true; ; writing = false)
        {
            foreach (var slot in slots)
            {
                if (slot.Index < 0 || slot.Output.Count > 0 != writing) continue;
                var take = Math.Min(slot.Unread.Length - slot.Read, rows.Capacity - rows.Count);
                if (take == 0) continue;
                var first = rows.Add(slot.Cached, slot.Unread.AsSpan(slot.Read, take));
                slot.Read += take;
                if (slot.Read < slot.Unread.Length) continue;
                (wanted[asked], owners[asked]) = (first + take - 1, slot);
                asked++;
            }
            if (!writing) return asked;
        }
    }

    /// <summary>Frees its memory; the target stays.</summary>
    public void Dispose()
    {
        work.Dispose();
        rows.Dispose();
    }
}
