// The EAGLE-3 drafter as it drafts (arXiv:2503.01840), one pass over R rows, without a tape. Row p embeds token p + 1 and carries the target's features of token p, or its own state.
//   hidden = fc(aux layers), or the last hidden state  (once per target row; never on own states)       u = [ norm(embed[token]) ; norm(hidden) ]
//   residual = hidden (norm_before_residual: norm(hidden)) + o( attention(u) )      out = residual + down( silu(gate y) · up y ),  y = norm(residual)
//   (further layers, where there are any: the same with u = norm(out))
//   logits = lm_head( norm(out) )        state for the next row = out (norm_output: norm(out))
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Drafters;

/// <summary>Runs a drafter. It owns the memory of a pass, not the drafter.</summary>
public sealed class Eagle3Inference : IDisposable
{
    readonly Eagle3 drafter;
    readonly Eagle3Config config;
    readonly IKernels kernels;
    readonly RotaryTable rotary;
    readonly HeadLayout heads, cachedHeads;
    readonly Activation auxChunk, auxChunkNormed, auxNormed, fused;
    readonly Activation embedded, normed, input, residual, scale, queryKeyValue, attended, gateUp, activated, outNormed;
    readonly Activation pickedIndex, pickedState, pickedHead, logits, best, sureness;
    int rowCount;

    /// <param name="drafter">The drafter.</param>
    /// <param name="capacity">Most rows of a pass.</param>
    /// <param name="picks">Most rows that are proposed from at once: one for each sequence.</param>
    /// <param name="kernels">Where to compute; null: this machine's processor.</param>
    public Eagle3Inference(Eagle3 drafter, int capacity, int picks = 1, IKernels? kernels = null)
    {
        (this.drafter, config, this.kernels) = (drafter, drafter.Config, kernels ?? Kernels.Cpu);
        rotary = config.Rope.CreateTable(config.HeadSize);
        heads = drafter.Heads;
        cachedHeads = heads with { KeyColumn = 0, ValueColumn = KeyWidth };
        var (hidden, wide) = (config.HiddenSize, config.AuxWidth);
        (auxChunk, auxChunkNormed, auxNormed, fused) = (new(capacity, config.TargetHiddenSize), new(capacity, config.TargetHiddenSize), new(capacity, wide), new(capacity, hidden));
        (embedded, normed, input, residual, scale) = (new(capacity, hidden), new(capacity, hidden), new(capacity, 2 * hidden), new(capacity, hidden), new(capacity, 1));
        (queryKeyValue, attended) = (new(capacity, heads.FusedWidth), new(capacity, config.Heads * config.HeadSize));
        (gateUp, activated, outNormed) = (new(capacity, 2 * config.IntermediateSize), new(capacity, config.IntermediateSize), new(capacity, hidden));
        (pickedIndex, pickedState, pickedHead) = (new(picks, 1, DType.I32), new(picks, hidden), new(picks, hidden));
        (logits, best, sureness) = (new(picks, config.DraftVocabularySize), new(picks, 1, DType.I32), new(picks, 1));
    }

    int KeyWidth => config.KeyValueHeads * config.HeadSize;

    /// <summary>Keys that a row sees (sliding window); 0: all. To be given to <see cref="PassRows.Add"/>.</summary>
    public int Window => config.SlidingWindow ?? 0;

    /// <summary>The layer's output of the last pass [R, H], before the final norm.</summary>
    public Tensor Output => residual[rowCount];

    /// <summary>The same after the final norm.</summary>
    public Tensor Normed => outNormed[rowCount];

    /// <summary>What the next row's hidden is, where that is an own state.</summary>
    public Tensor State => config.NormOutput ? Normed : Output;

    /// <summary>A cache for some sequences of at most that many rows.</summary>
    public KeyValueCache NewCache(params ReadOnlySpan<int> capacities) => new(config.Layers, KeyWidth, capacities);

    /// <summary>Features of target rows: aux hidden states [R, A·Ht] to [R, H], valid until the next call. (Last hidden states are features as they are.)</summary>
    public Tensor Fuse(Tensor aux)
    {
        if (config.LastHiddenOnly) return aux;
        var rows = aux.Rows;
        if (drafter.InputNorm is { } inputNorm)
        {
            kernels.RmsNorm(aux, inputNorm.Value, config.RmsNormEps, auxNormed[rows], scale[rows]);
            aux = auxNormed[rows];
        }
        for (var i = 0; i < drafter.FcNorms.Count; i++)
        {
            kernels.CopyColumns(aux, i * config.TargetHiddenSize, config.TargetHiddenSize, auxChunk[rows], 0, null);
            kernels.RmsNorm(auxChunk[rows], drafter.FcNorms[i].Value, config.RmsNormEps, auxChunkNormed[rows], scale[rows]);
            kernels.CopyColumns(auxChunkNormed[rows], 0, config.TargetHiddenSize, auxNormed[rows], i * config.TargetHiddenSize, null);
        }
        kernels.Linear(drafter.FcNorms.Count > 0 ? auxNormed[rows] : aux, drafter.Fc, null, fused[rows], false);
        return fused[rows];
    }

    /// <summary>Reads rows of which only keys and values are wanted: all of a prompt but the last. (Nothing else of the last layer is ever seen.)</summary>
    public void ReadKeys(PassRows rows, Tensor hidden, KeyValueCache cache) => Keys(rows, hidden, cache);

    /// <summary>Reads rows: their keys and values go into the cache, their results are <see cref="Output"/>, <see cref="Normed"/> and <see cref="State"/>.</summary>
    public void Read(PassRows rows, Tensor hidden, KeyValueCache cache)
    {
        var intervals = Keys(rows, hidden, cache);
        AfterKeys(config.Layers - 1, intervals, cache);
        kernels.RmsNorm(residual[rowCount], drafter.Norm.Value, config.RmsNormEps, outNormed[rowCount], scale[rowCount]);
    }

    // What a layer does once its rows' keys are in the cache.
    void AfterKeys(int i, Tensor intervals, KeyValueCache cache)
    {
        var (layer, x, s, y) = (drafter.Layers[i], residual[rowCount], scale[rowCount], normed[rowCount]);
        kernels.Attention(cachedHeads, queryKeyValue[rowCount], cache.Layer(i), cache.Layer(i), intervals, [], attended[rowCount], null);
        kernels.Linear(attended[rowCount], layer.AttentionOut, layer.AttentionOutBias?.Value, x, true);
        kernels.RmsNorm(x, layer.MlpNorm.Value, config.RmsNormEps, y, s);
        kernels.Linear(y, layer.GateUp, layer.GateUpBias?.Value, gateUp[rowCount], false);
        kernels.SwiGlu(gateUp[rowCount], activated[rowCount]);
        kernels.Linear(activated[rowCount], layer.Down, layer.DownBias?.Value, x, true);
    }

    // Everything up to the keys of the last layer.
    Tensor Keys(PassRows rows, Tensor hidden, KeyValueCache cache)
    {
        var (ids, positions, cacheRows, intervals) = rows.Upload();
        rowCount = rows.Count;
        rotary.Grow(rows.Positions);
        var (width, s, y, u) = (config.HiddenSize, scale[rowCount], normed[rowCount], input[rowCount]);
        kernels.Embedding(drafter.Embedding.Value, ids, embedded[rowCount]);
        kernels.RmsNorm(embedded[rowCount], drafter.EmbeddingNorm.Value, config.RmsNormEps, y, s);
        kernels.CopyColumns(y, 0, width, u, 0, null);
        kernels.RmsNorm(hidden, drafter.HiddenNorm.Value, config.RmsNormEps, y, s);
        kernels.CopyColumns(y, 0, width, u, width, null);
        kernels.CopyColumns(config.NormBeforeResidual ? y : hidden, 0, width, residual[rowCount], 0, null);               // hidden may be these very rows
        for (var i = 0; ; i++)
        {
            var (layer, qkv) = (drafter.Layers[i], queryKeyValue[rowCount]);
            if (i > 0) kernels.RmsNorm(residual[rowCount], layer.InputNorm.Value, config.RmsNormEps, y, s);
            kernels.Linear(i > 0 ? y : u, layer.AttentionIn, layer.AttentionInBias?.Value, qkv, false);
            if (layer is { QueryNorm: { } queryNorm, KeyNorm: { } keyNorm })
            {
                kernels.HeadNorm(qkv, 0, config.Heads, queryNorm.Value, config.RmsNormEps);
                kernels.HeadNorm(qkv, heads.KeyColumn, config.KeyValueHeads, keyNorm.Value, config.RmsNormEps);
            }
            kernels.Rope(qkv, 0, config.Heads + config.KeyValueHeads, rotary, positions, false);
            kernels.CopyColumns(qkv, heads.KeyColumn, 2 * KeyWidth, cache.Layer(i), 0, cacheRows);
            if (i == config.Layers - 1) return intervals;
            AfterKeys(i, intervals, cache);
        }
    }

    /// <summary>Logits over the draft vocabulary of some rows of the last pass; their states are kept for <see cref="Picked"/>.</summary>
    public Tensor Logits(ReadOnlySpan<int> rows)
    {
        var (index, n) = (pickedIndex[rows.Length], rows.Length);
        index.CopyFrom(rows);
        kernels.GatherRows(State, index, pickedState[n], false);
        kernels.GatherRows(config.NormedLogits ? Normed : Output, index, pickedHead[n], false);
        kernels.Linear(pickedHead[n], drafter.Head, null, logits[n], false);
        return logits[n];
    }

    /// <summary>The states of the rows of the last <see cref="Logits"/> or <see cref="Propose"/>, in that order.</summary>
    public Tensor Picked(int count) => pickedState[count];

    /// <summary>The drafter's best guess after each of the given rows: the highest logit, the lowest draft id on ties.</summary>
    /// <param name="rows">Rows of the last pass.</param>
    /// <param name="draftIds">Receives draft ids.</param>
    /// <param name="tokens">Receives the same as target ids.</param>
    public void Propose(ReadOnlySpan<int> rows, Span<int> draftIds, Span<int> tokens)
    {
        kernels.Argmax(Logits(rows), best[rows.Length]);
        best[rows.Length].CopyTo(draftIds);
        for (var i = 0; i < rows.Length; i++) tokens[i] = drafter.Vocabulary.SelectedIds[draftIds[i]];
    }

    /// <summary>The same, and how probable the drafter holds each guess to be.</summary>
    public void Propose(ReadOnlySpan<int> rows, Span<int> draftIds, Span<int> tokens, Span<float> confidence)
    {
        Propose(rows, draftIds, tokens);
        kernels.Confidence(logits[rows.Length], best[rows.Length], sureness[rows.Length]);
        sureness[rows.Length].CopyTo(confidence);
    }

    /// <summary>Frees its memory.</summary>
    public void Dispose()
    {
        foreach (var a in (Activation[])[auxChunk, auxChunkNormed, auxNormed, fused, embedded, normed, input, residual, scale, queryKeyValue, attended, gateUp, activated, outNormed,
            pickedIndex, pickedState, pickedHead, logits, best, sureness]) a.Dispose();
        rotary.Dispose();
    }
}
