// Attention of query rows over an interval of key rows and, for EAGLE-3's test-time training, over the slot's own later keys ("chain"):
//   s_0[j] = q·K_0[j] / sqrt(d)  for j in [begin, end)      s_i = q·K_i[own row] / sqrt(d)  for i = 1..k
//   p = softmax over all of them together      y = Σ_j p_0[j] V_0[j] + Σ_i p_i V_i[own row]
// The interval says everything about masks: causal, document, padding and window are [begin, end) of each query row. Query head a reads key
// head a / (heads / keyHeads). One online softmax (Milakov & Gimelshein 2018; FlashAttention, arXiv:2205.14135): nothing of size T x T.
// What some targets change (frozen, so forward only): scores become c tanh(s / c) (Gemma 2, arXiv:2408.00118); every head has a learned logit, its "sink",
// that takes part in the softmax and whose probability is dropped (gpt-oss, arXiv:2508.10925; Xiao et al. 2023, arXiv:2309.17453).
//   backward   D = dy·y    dp = dy·v    ds = p (dp − D) / sqrt(d)    dq += Σ ds k    dk += ds q    dv += p dy
namespace Aerie.Tensors;

/// <summary>Heads inside a row: query heads from <see cref="QueryColumn"/>, key heads from <see cref="KeyColumn"/>, value heads from <see cref="ValueColumn"/>.
/// A fused row [q | k | v] has columns 0, heads·d, (heads + keyHeads)·d; separate tensors have 0, 0, 0.</summary>
public readonly record struct HeadLayout(int Heads, int KeyHeads, int HeadSize, int QueryColumn, int KeyColumn, int ValueColumn)
{
    public static HeadLayout Fused(int heads, int keyHeads, int headSize)
        => new(heads, keyHeads, headSize, 0, heads * headSize, (heads + keyHeads) * headSize);

    /// <summary>Width of a fused row.</summary>
    public int FusedWidth => (Heads + 2 * KeyHeads) * HeadSize;

    /// <summary>Factor of every score q·k.</summary>
    public float Scale { get; init; } = 1 / MathF.Sqrt(HeadSize);

    /// <summary>Scaled scores z become tanh(z / c) c with this c; 0: they stay. Forward only.</summary>
    public float SoftCap { get; init; }
}

/// <summary>Keys and values of TTT step i >= 1: the tensor that holds both (columns of the layout) and, for each query row, the row in it (i32 [R]).</summary>
public readonly record struct ChainKeys(Tensor KeysAndValues, Tensor Rows);

public partial interface IKernels
{
    /// <summary>q [R, ...], k and v [T, ...] (may be one tensor), intervals i32 [R, 2] = begin, end of visible key rows;
    /// y [R, heads·d]; logSumExp [R, heads] or null (needed for the backward pass); sinks f32 [heads] or null: one more logit of each head, neither scaled nor
    /// capped, whose probability adds nothing to y.</summary>
    void Attention(HeadLayout layout, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, Tensor y, Tensor? logSumExp, Tensor? sinks = null);

    /// <summary>Adds to dq (its query columns), dk, dv and every chain gradient (key and value columns of a tensor shaped as
    /// <see cref="ChainKeys.KeysAndValues"/>). dq, dk, dv may be one tensor. Not for a layout with a cap, nor for what was computed with sinks.</summary>
    void AttentionBackward(HeadLayout layout, Tensor dy, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain,
        Tensor y, Tensor logSumExp, Tensor dq, Tensor dk, Tensor dv, ReadOnlySpan<Tensor> chainGradients);
}

public static partial class Ops
{
    /// <summary>Attention inside fused rows: <paramref name="queries"/> [R, fused], <paramref name="keys"/> [T, fused] (the same tensor at step 0),
    /// chain of later steps. Returns [R, heads·d].</summary>
    public static Tensor Attention(this Tape tape, HeadLayout layout, Tensor queries, Tensor keys, Tensor intervals, params ChainKeys[] chain)
    {
        Check.That(intervals.Rows == queries.Rows, $"{intervals} intervals for {queries}");
        var y = tape.New(queries.Rows, layout.Heads * layout.HeadSize);
        var logSumExp = tape.Recording ? tape.New(queries.Rows, layout.Heads) : null;
        tape.Kernels.Attention(layout, queries, keys, keys, intervals, chain, y, logSumExp);
        if (queries.NeedsGradient || keys.NeedsGradient)
        {
            Check.That(layout.SoftCap == 0, $"scores capped at {layout.SoftCap} have no backward pass");
            tape.Record(y, () =>
            {
                var dy = Tape.GradientOf(y);
                var dq = tape.GradientZeroed(queries);
                var dk = tape.GradientZeroed(keys);
                var dchain = new Tensor[chain.Length];
                for (var i = 0; i < chain.Length; i++) dchain[i] = tape.GradientZeroed(chain[i].KeysAndValues);
                tape.Kernels.AttentionBackward(layout, dy, queries, keys, keys, intervals, chain, y, logSumExp!, dq, dk, dk, dchain);
            });
        }
        return y;
    }
}
