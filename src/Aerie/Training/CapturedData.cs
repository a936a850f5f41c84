// Training data of a run: documents in the order of an epoch, one after the other in rows without padding, with the target's hidden states. States are
// captured once and kept while they fit, else captured anew for every micro-batch: the same bits either way, since a row's bits do not depend on its company.
using Aerie.Capture;
using Aerie.Data;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>How texts become micro-batches.</summary>
/// <param name="MicroBatch">Texts (or packed rows) of a micro-batch.</param>
/// <param name="PackedSize">Above 0: texts are packed into rows of at most that many tokens, longer ones are cut; 0: one text per row.</param>
/// <param name="Shuffle">Another order in every epoch.</param>
/// <param name="Seed">Of the order.</param>
/// <param name="StateType">How hidden states are kept: f32 or bf16.</param>
/// <param name="KeepBytes">Hidden states are kept if they take at most this.</param>
public readonly record struct BatchPlan(int MicroBatch, int PackedSize = 0, bool Shuffle = true, ulong Seed = 42, DType StateType = DType.F32, long KeepBytes = 1L << 31);

/// <summary>Texts with the target's hidden states, as micro-batches.</summary>
public sealed class CapturedData : ITrainingData, IDisposable
{
    readonly IReadOnlyList<TokenizedConversation> texts;
    readonly TargetCapture capture;
    readonly Parameter head;
    readonly BatchPlan plan;
    readonly HiddenStates? kept;
    readonly int[] offsets;
    int plannedEpoch = -1;
    List<int[]> planned = [];

    /// <param name="texts">The texts; those without supervised tokens are left out.</param>
    /// <param name="capture">Captures the target; stays the caller's.</param>
    /// <param name="head">The target's head, which makes its distributions.</param>
    /// <param name="plan">How they become micro-batches.</param>
    /// <param name="progress">Told how far the capturing is.</param>
    /// <param name="cancellation">Checked before every pass.</param>
    public CapturedData(IEnumerable<TokenizedConversation> texts, TargetCapture capture, Parameter head, BatchPlan plan, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        this.texts = [.. texts.Select(Cut).Where(t => t.Supervised > 0)];
        (this.capture, this.head, this.plan) = (capture, head, plan);
        offsets = new int[this.texts.Count + 1];
        for (var i = 0; i < this.texts.Count; i++) offsets[i + 1] = checked(offsets[i] + this.texts[i].Ids.Length);
        var width = capture.AuxWidth + head.Cols;
        if ((long)Tokens * width * plan.StateType.Size() > plan.KeepBytes) return;
        long done = 0;
        kept = capture.Capture([.. this.texts.Select(t => t.Ids)], plan.StateType, tokens => progress?.Report(new("capture hidden states", done += tokens, Tokens)), cancellation);
    }

    /// <summary>Texts that have something to learn.</summary>
    public int Texts => texts.Count;

    /// <summary>Their tokens.</summary>
    public int Tokens => offsets[^1];

    /// <summary>The hidden states of all texts are in memory.</summary>
    public bool Kept => kept is not null;

    /// <inheritdoc/>
    public int MicroBatches(int epoch) => Plan(epoch).Count;

    /// <inheritdoc/>
    public Eagle3Batch Load(int epoch, int index)
    {
        var chosen = Plan(epoch)[index];
        var length = chosen.Sum(i => texts[i].Ids.Length);
        var states = new HiddenStates(Tensor.Allocate(new Shape(length, capture.AuxWidth)), Tensor.Allocate(new Shape(length, head.Cols)));
        if (kept is not null) CopyKept(chosen, states);
        else
        {
            using var fresh = capture.Capture([.. chosen.Select(i => texts[i].Ids)], plan.StateType);
            states.Aux.CopyFrom(fresh.Aux);
            states.LastHidden.CopyFrom(fresh.LastHidden);
        }
        return new Eagle3Batch
        {
            Rows = 1,
            Length = length,
            InputIds = chosen.SelectMany(i => texts[i].Ids).ToArray(),
            LossMask = chosen.SelectMany(i => texts[i].LossMask).ToArray(),
            AuxHiddenStates = states.Aux,
            Teacher = new TargetHiddenStates(states.LastHidden, head, capture.LogitForm),
            Documents = [chosen.Select(i => texts[i].Ids.Length).ToArray()],
            Owner = states,
        };
    }

    void CopyKept(int[] chosen, HiddenStates to)
    {
        var at = 0;
        foreach (var i in chosen)
        {
            var count = texts[i].Ids.Length;
            to.Aux.Slice(at, count).CopyFrom(kept!.Aux.Slice(offsets[i], count));
            to.LastHidden.Slice(at, count).CopyFrom(kept.LastHidden.Slice(offsets[i], count));
            at += count;
        }
    }

    TokenizedConversation Cut(TokenizedConversation text) => plan.PackedSize == 0 || text.Ids.Length <= plan.PackedSize ? text : text with { Ids = text.Ids[..plan.PackedSize], LossMask = text.LossMask[..plan.PackedSize] };

    // The micro-batches of an epoch: each the indices of its texts.
    List<int[]> Plan(int epoch)
    {
        if (plannedEpoch == epoch) return planned;
        var order = Enumerable.Range(0, texts.Count).ToArray();
        if (plan.Shuffle) new CounterRandom(plan.Seed, "order of texts", (uint)epoch).Shuffle(order.AsSpan());
        var rows = plan.PackedSize == 0 ? order.Select(i => new List<int> { i }) : Pack(order);
        (plannedEpoch, planned) = (epoch, [.. rows.Chunk(plan.MicroBatch).Select(chunk => chunk.SelectMany(row => row).ToArray())]);
        return planned;
    }

    // Next fit, as NeMo AutoModel packs: a text that does not fit begins a new row.
    IEnumerable<List<int>> Pack(int[] order)
    {
        var (row, length) = (new List<int>(), 0);
        foreach (var i in order)
        {
            var count = texts[i].Ids.Length;
            if (length + count > plan.PackedSize && row.Count > 0)
            {
                yield return row;
                (row, length) = ([], 0);
            }
            row.Add(i);
            length += count;
        }
        if (row.Count > 0) yield return row;
    }

    /// <summary>Frees the hidden states.</summary>
    public void Dispose() => kept?.Dispose();
}
