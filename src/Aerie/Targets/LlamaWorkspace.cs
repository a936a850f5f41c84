// The memory of a Llama pass: allocated once for the largest pass and the most rows that the head ever reads.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>Activations of passes of at most <see cref="Capacity"/> rows. One pass at a time.</summary>
public sealed class LlamaWorkspace : IDisposable
{
    readonly Activation residual, normed, scale, queryKeyValue, attended, gateUp, activated;
    readonly Activation headIndex, headRows, headNormed, headScale, logits, best;
    int rows;

    /// <param name="config">The target's sizes.</param>
    /// <param name="capacity">Most rows of a pass.</param>
    /// <param name="logitRows">Most rows of which logits are computed at once.</param>
    public LlamaWorkspace(TargetConfig config, int capacity, int logitRows)
    {
        var (hidden, queries, keys) = (config.HiddenSize, config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize);
        (residual, normed, scale) = (new(capacity, hidden), new(capacity, hidden), new(capacity, 1));
        (queryKeyValue, attended) = (new(capacity, queries + 2 * keys), new(capacity, queries));
        (gateUp, activated) = (new(capacity, 2 * config.IntermediateSize), new(capacity, config.IntermediateSize));
        (headIndex, headRows, headNormed, headScale) = (new(logitRows, 1, DType.I32), new(logitRows, hidden), new(logitRows, hidden), new(logitRows, 1));
        (logits, best) = (new(logitRows, config.VocabularySize), new(logitRows, 1, DType.I32));
    }

    /// <summary>Most rows of a pass.</summary>
    public int Capacity => residual.Capacity;

    /// <summary>Most rows of which logits are computed at once.</summary>
    public int LogitRows => logits.Capacity;

    internal void Begin(int rowCount) => rows = rowCount;

    internal Tensor Residual => residual[rows];
    internal Tensor Normed => normed[rows];
    internal Tensor Scale => scale[rows];
    internal Tensor QueryKeyValue => queryKeyValue[rows];
    internal Tensor Attended => attended[rows];
    internal Tensor GateUp => gateUp[rows];
    internal Tensor Activated => activated[rows];

    internal (Tensor Index, Tensor Picked, Tensor Normed, Tensor Scale, Tensor Logits) HeadRows(int count) => (headIndex[count], headRows[count], headNormed[count], headScale[count], logits[count]);
    internal Tensor Best(int count) => best[count];

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        foreach (var a in (Activation[])[residual, normed, scale, queryKeyValue, attended, gateUp, activated, headIndex, headRows, headNormed, headScale, logits, best]) a.Dispose();
    }
}
