// Speculative decoding with a chain of guesses, greedy (Leviathan et al. 2023, arXiv:2211.17192; EAGLE-3, arXiv:2503.01840). One round of a text whose newest token, the root, the
// target has not read yet:
//   propose   the drafter guesses K tokens, one after the other
//   verify    the target reads root and guesses in one pass; its argmax after each is what plain decoding would have written there
//   accept    the longest prefix of guesses that equals it; the argmax after that prefix is the bonus token and the next root
// With a least confidence the drafter stops guessing once it holds its chain to be less probable than that: a guess costs a drafter pass and a row of the target's.
// After that both caches forget what was not accepted, and the drafter reads the accepted rows with the target's features. The output is that of plain decoding, token for token, since a
// row's bits do not depend on the rows beside it. Several texts go through each pass together.
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Decoding;

/// <summary>One round of one text.</summary>
public readonly record struct SpeculativeRound(int Request, int Round, int RootPosition, int Root, IReadOnlyList<int> Proposed, int Accepted, int Bonus);

/// <summary>One decoded text and how its drafting went.</summary>
public sealed record SpeculativeText(int[] Tokens, DraftStatistics Statistics);

/// <summary>Decodes with a target and an EAGLE-3 drafter.</summary>
public sealed class SpeculativeDecoder : IDisposable
{
    readonly Target target;
    readonly Eagle3Inference drafter;
    readonly TargetWorkspace work;
    readonly PassRows rows;
    readonly HiddenStateCapture capture;
    readonly Activation aux, hidden, hiddenIndex;
    readonly int draftTokens, sequences;
    readonly Tensor features;
    readonly double leastConfidence;
    readonly int[] picks, best, wanted, draftIds, guesses, index;
    readonly float[] confidence;
    readonly List<Slot> guessing = [];

    /// <param name="target">The target.</param>
    /// <param name="drafter">Its drafter.</param>
    /// <param name="draftTokens">Most guesses of a round.</param>
    /// <param name="sequences">How many texts are in work at once.</param>
    /// <param name="auxLayers">Captured layers (0-based, of which the output is captured); null: those of the drafter's config, or the target's default.</param>
    /// <param name="chunk">Most rows of a pass: long prompts are read in pieces.</param>
    /// <param name="leastConfidence">Guessing ends where the drafter's probability of its whole chain falls below this; 0: never before <paramref name="draftTokens"/>.</param>
    /// <exception cref="AerieException">The drafter belongs to another target.</exception>
    public SpeculativeDecoder(Target target, Eagle3 drafter, int draftTokens = 5, int sequences = 1, IReadOnlyList<int>? auxLayers = null, int chunk = 512, double leastConfidence = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draftTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        (this.target, this.draftTokens, this.sequences, this.leastConfidence) = (target, draftTokens, sequences, leastConfidence);
        capture = new HiddenStateCapture([.. CheckedAuxLayers(target.Config, drafter.Config, auxLayers)]);
        var verified = sequences * (draftTokens + 1);
        chunk = Math.Max(chunk, verified);
        (work, rows) = (new TargetWorkspace(chunk, verified), new PassRows(chunk));
        this.drafter = new Eagle3Inference(drafter, chunk, sequences, target.Kernels);
        (aux, hidden, hiddenIndex) = (new(chunk, drafter.Config.AuxWidth), new(chunk, drafter.Config.HiddenSize), new(chunk, 1, DType.I32));
        features = Tensor.Allocate(new Shape(verified, drafter.Config.HiddenSize));
        capture.Into = aux[chunk];
        (picks, draftIds, guesses, confidence) = (new int[sequences], new int[sequences], new int[sequences], new float[sequences]);
        (best, wanted, index) = (new int[verified], new int[verified], new int[verified]);
    }

    sealed class Slot(CachedSequence read, CachedSequence drafted, int features, int draftTokens)
    {
        public readonly CachedSequence Read = read, Drafted = drafted;     // what the target and what the drafter have read
        public readonly List<int> Output = [];
        public readonly int[] Tokens = new int[draftTokens + 1];           // root, then the guesses
        public readonly int[] Next = new int[draftTokens + 1];             // what the drafter reads next: accepted guesses, then the bonus token ...
        public readonly int Features = features;                           // ... with the features in these rows
        public int Index, Limit, Round, First, Unread, Guesses;
        public double Confidence;                                           // of the chain so far
        public DraftStatistics Statistics = new(draftTokens);
    }

    /// <summary>The layers that a drafter reads; checks that it fits the target.</summary>
    public static IReadOnlyList<int> CheckedAuxLayers(TargetConfig target, Eagle3Config drafter, IReadOnlyList<int>? auxLayers = null)
    {
        if (drafter.TargetHiddenSize != target.HiddenSize) throw Misfit($"hidden states of width {drafter.TargetHiddenSize}", $"{target.HiddenSize}");
        if (drafter.VocabularySize != target.VocabularySize) throw Misfit($"a vocabulary of {drafter.VocabularySize}", $"{target.VocabularySize}");
        if (drafter.LastHiddenOnly) return [target.Layers];                     // what HiddenStateCapture calls the state after the final norm
        var layers = auxLayers ?? drafter.AuxLayers ?? target.DefaultAuxLayers;
        if (layers.Count != drafter.AuxCount) throw Misfit($"{drafter.AuxCount} aux layers", $"{layers.Count} are given ({string.Join(", ", layers)})");
        foreach (var layer in layers)
            if ((uint)layer >= (uint)target.Layers) throw Misfit($"the output of layer {layer}", $"layers 0 to {target.Layers - 1}");
        return layers;

        AerieException Misfit(string wants, string has) => new($"the drafter wants {wants}, the target ({target.Path}) has {has}", "The drafter belongs to another target.");
    }

    /// <summary>Decodes one text.</summary>
    public SpeculativeText Decode(DecodingRequest request, Action<int>? onToken = null, CancellationToken cancellation = default)
        => Decode([request], onToken is null ? null : (_, token) => onToken(token), null, cancellation)[0];

    /// <summary>Decodes many texts; the outputs come in the order of the requests.</summary>
    /// <param name="requests">The texts.</param>
    /// <param name="onToken">Told every token as it comes: index of the request, token.</param>
    /// <param name="onRound">Told every round.</param>
    /// <param name="cancellation">Checked before every round.</param>
    public SpeculativeText[] Decode(IReadOnlyList<DecodingRequest> requests, Action<int, int>? onToken = null, Action<SpeculativeRound>? onRound = null, CancellationToken cancellation = default)
    {
        var limits = requests.Select(r => r.Check(target.Config)).ToArray();
        var texts = new SpeculativeText[requests.Count];
        if (requests.Count == 0) return texts;
        var capacity = Enumerable.Range(0, requests.Count).Max(i => requests[i].Prompt.Count + limits[i]) + draftTokens + 1;
        int[] capacities = [.. Enumerable.Repeat(capacity, Math.Min(sequences, requests.Count))];
        using var cache = target.NewCacheWithRollback(draftTokens, capacities);
        using var drafted = drafter.NewCache(capacities);
        var idle = new Stack<Slot>(Enumerable.Range(0, capacities.Length).Reverse().Select(i => new Slot(cache.Sequences[i], drafted.Sequences[i], i * (draftTokens + 1), draftTokens)));
        var active = new List<Slot>();
        for (var next = 0; ;)
        {
            while (idle.Count > 0 && next < requests.Count)
            {
                cancellation.ThrowIfCancellationRequested();
                var slot = idle.Pop();
                (slot.Index, slot.Limit, slot.Round, slot.Statistics) = (next, limits[next], 0, new DraftStatistics(draftTokens));
                ReadPrompt(slot, requests[next++], cache, drafted);
                if (Emit(slot, slot.Tokens.AsSpan(0, 1))) active.Add(slot);
            }
            if (active.Count == 0) return texts;
            cancellation.ThrowIfCancellationRequested();
            Propose(active, drafted);
            Verify(active, cache);
            var fused = drafter.Fuse(aux[rows.Count]);
            foreach (var slot in active) Accept(slot, fused, onRound);
            active.RemoveAll(slot => !Emit(slot, slot.Next.AsSpan(0, slot.Unread)));
        }

        // The output ends at a stop token or at its limit.
        bool Emit(Slot slot, ReadOnlySpan<int> tokens)
        {
            foreach (var token in tokens)
            {
                slot.Output.Add(token);
                onToken?.Invoke(slot.Index, token);
                if (slot.Output.Count < slot.Limit && !requests[slot.Index].IsStop(token)) continue;
                texts[slot.Index] = new SpeculativeText([.. slot.Output], slot.Statistics);
                idle.Push(slot);
                return false;
            }
            return true;
        }
    }

    // Target and drafter read the prompt; the target's argmax after it is the first root. The drafter's last row, which embeds the root, is read with the round.
    void ReadPrompt(Slot slot, DecodingRequest request, KeyValueCache cache, KeyValueCache drafted)
    {
        slot.Output.Clear();
        slot.Read.ShortenTo(0);
        slot.Drafted.ShortenTo(0);
        int[] ids = [.. request.Prompt];
        slot.Read.PromptLength = ids.Length;
        for (var begin = 0; begin < ids.Length; begin += rows.Capacity)
        {
            var count = Math.Min(rows.Capacity, ids.Length - begin);
            var last = begin + count == ids.Length;
            rows.Clear();
            rows.Add(slot.Read, ids.AsSpan(begin, count));
            target.Forward(rows, cache, work, capture);
            if (last) target.NextTokens(work, [count - 1], slot.Tokens.AsSpan(0, 1));
            var fused = drafter.Fuse(aux[count]);
            var keysOnly = last ? count - 1 : count;
            rows.Clear();
            rows.Add(slot.Drafted, ids.AsSpan(begin + 1, keysOnly), drafter.Window);
            if (keysOnly > 0) drafter.ReadKeys(rows, fused.Slice(0, keysOnly), drafted);
            if (last) Keep(slot, fused.Slice(keysOnly, 1), slot.Tokens);
        }
    }

    // What the drafter reads next: these tokens, with these features.
    void Keep(Slot slot, Tensor fused, ReadOnlySpan<int> tokens)
    {
        slot.Unread = fused.Rows;
        tokens[..fused.Rows].CopyTo(slot.Next);
        for (var i = 0; i < fused.Rows; i++) index[i] = slot.Features + i;
        hiddenIndex[fused.Rows].CopyFrom(index.AsSpan(0, fused.Rows));
        target.Kernels.CopyColumns(fused, 0, fused.Cols, features, 0, hiddenIndex[fused.Rows]);
    }

    // The drafter reads the rows accepted since its last guess, then guesses from its own states. Guesses leave no trace in its cache.
    void Propose(List<Slot> active, KeyValueCache drafted)
    {
        rows.Clear();
        for (var i = 0; i < active.Count; i++)
        {
            var slot = active[i];
            for (var j = 0; j < slot.Unread; j++) index[rows.Count + j] = slot.Features + j;
            picks[i] = rows.Add(slot.Drafted, slot.Next.AsSpan(0, slot.Unread), drafter.Window) + slot.Unread - 1;
        }
        hiddenIndex[rows.Count].CopyFrom(index.AsSpan(0, rows.Count));
        target.Kernels.GatherRows(features, hiddenIndex[rows.Count], hidden[rows.Count], false);
        drafter.Read(rows, hidden[rows.Count], drafted);
        guessing.Clear();
        guessing.AddRange(active);
        foreach (var slot in guessing) (slot.Guesses, slot.Confidence) = (0, 1);
        for (var step = 1; ; step++)
        {
            var n = guessing.Count;
            if (leastConfidence > 0) drafter.Propose(picks.AsSpan(0, n), draftIds, guesses, confidence);
            else drafter.Propose(picks.AsSpan(0, n), draftIds, guesses);
            var kept = 0;
            for (var i = 0; i < n; i++)
            {
                var slot = guessing[i];
                if (leastConfidence > 0 && (slot.Confidence *= confidence[i]) < leastConfidence) continue;
                slot.Tokens[step] = guesses[i];
                slot.Guesses = step;
                picks[kept] = i;
                guessing[kept++] = slot;
            }
            guessing.RemoveRange(kept, n - kept);
            if (step == draftTokens || kept == 0) break;
            var states = drafter.Picked(n);
            if (kept < n)
            {
                hiddenIndex[kept].CopyFrom(picks.AsSpan(0, kept));
                target.Kernels.GatherRows(states, hiddenIndex[kept], hidden[kept], false);
                states = hidden[kept];
            }
            rows.Clear();
            for (var i = 0; i < kept; i++) picks[i] = rows.Add(guessing[i].Drafted, guessing[i].Tokens.AsSpan(step, 1), drafter.Window);
            drafter.Read(rows, states, drafted);
        }
        foreach (var slot in active) slot.Drafted.ShortenTo(slot.Read.Length);
    }

    // One target pass over root and guesses of every text.
    void Verify(List<Slot> active, KeyValueCache cache)
    {
        rows.Clear();
        foreach (var slot in active) slot.First = rows.Add(slot.Read, slot.Tokens.AsSpan(0, slot.Guesses + 1));
        for (var i = 0; i < rows.Count; i++) wanted[i] = i;
        target.Forward(rows, cache, work, capture);
        target.NextTokens(work, wanted.AsSpan(0, rows.Count), best);
    }

    // The target's own words decide; what was guessed wrong is forgotten.
    void Accept(Slot slot, Tensor fused, Action<SpeculativeRound>? onRound)
    {
        var says = best.AsSpan(slot.First, slot.Guesses + 1);
        var accepted = 0;
        while (accepted < slot.Guesses && slot.Tokens[accepted + 1] == says[accepted]) accepted++;
        slot.Statistics.Add(accepted, slot.Guesses);
        var rootPosition = slot.Read.Length - (slot.Guesses + 1);
        onRound?.Invoke(new SpeculativeRound(slot.Index, slot.Round, rootPosition, slot.Tokens[0], slot.Tokens[1..(slot.Guesses + 1)], accepted, says[accepted]));
        slot.Round++;
        slot.Read.ShortenTo(rootPosition + accepted + 1);
        Keep(slot, fused.Slice(slot.First, accepted + 1), says);
        slot.Tokens[0] = says[accepted];
    }

    /// <summary>Frees its memory; target and drafter stay.</summary>
    public void Dispose()
    {
        foreach (var memory in (IDisposable[])[work, rows, drafter, aux, hidden, hiddenIndex, features]) memory.Dispose();
    }
}
