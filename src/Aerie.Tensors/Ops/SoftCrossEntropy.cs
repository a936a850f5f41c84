// Distillation loss of a drafter: q = softmax(z) against the teacher's p over the draft vocabulary, fused with lm_head W [Vd, H] chunk by chunk.
//   CE = − Σ_i p_i log q_i           dCE/dz = q − p            (Σ p = 1)
//   acceptance a = Σ_i min(mass·p_i, q_i)                      (mass: share of the teacher's full softmax inside the draft vocabulary, or 1)
//   LK losses (arXiv:2602.23881): loss = ce · CE + logA · (−log a) + lin · (1 − a) with the factors below; da/dz_i = q_i ([q_i <= p_i] − Σ_j q_j [q_j <= p_j])
namespace Aerie.Tensors;

/// <summary>Factors of the three parts of a row's loss; plain EAGLE-3 is (1, 0, 0).</summary>
public readonly record struct SoftLoss(float CrossEntropy, float MinusLogAcceptance, float OneMinusAcceptance)
{
    public static SoftLoss Plain => new(1, 0, 0);
}

public partial interface IKernels
{
    /// <summary>logits [R, Vd] become d(weight · loss)/dz in place when <paramref name="gradient"/>. teacher [U, Vd] f32 or bf16, teacherRows i32 [R];
    /// mass f32 [U] or null; weight is one factor for all rows. crossEntropy [R], acceptance [R] (unweighted), argmax i32 [R] (lowest on ties).</summary>
    void SoftCrossEntropy(Tensor logits, Tensor teacher, Tensor teacherRows, Tensor? mass, SoftLoss loss, float weight,
        Tensor crossEntropy, Tensor acceptance, Tensor argmax, bool gradient);

    /// <summary>The teacher of one chunk: logits [R, V], ids i32 [Vd] ascending or not → probs [R, Vd] (f32 or bf16) = softmax over those columns,
    /// argmax i32 [R] over all V (lowest on ties), mass f32 [R] = Σ of the full softmax over the ids (null: not wanted).</summary>
    void SelectedSoftmax(Tensor logits, Tensor ids, Tensor probs, Tensor argmax, Tensor? mass);

    /// <summary>Argmax of each row (lowest id on ties): logits [R, V] → ids i32 [R].</summary>
    void Argmax(Tensor logits, Tensor ids);
}

/// <summary>What the loss saw at each of its R rows.</summary>
public readonly record struct SoftCrossEntropyRows(Tensor CrossEntropy, Tensor Acceptance, Tensor Argmax);

public static partial class Ops
{
    /// <summary>h [R, H] → loss rows; with a recording tape d(weight · Σ_rows loss) is already in h's and the head's gradients when it returns.</summary>
    public static SoftCrossEntropyRows LinearSoftCrossEntropy(this Tape tape, Tensor h, Parameter head, Tensor teacher, Tensor teacherRows, Tensor? mass,
        SoftLoss loss, float weight, int chunkRows = 0)
    {
        var result = new SoftCrossEntropyRows(tape.New(new Shape(h.Rows)), tape.New(new Shape(h.Rows)), tape.New(new Shape(h.Rows), DType.I32));
        var gradient = tape.Recording && (h.NeedsGradient || head.Trainable);
        var accumulate = false;
        var dh = gradient && h.NeedsGradient ? tape.GradientFor(h, out accumulate) : null;
        if (chunkRows == 0) chunkRows = RowsOfLogits(head.Rows);
        for (var begin = 0; begin < h.Rows; begin += chunkRows)
        {
            var rows = Math.Min(chunkRows, h.Rows - begin);
            var x = h.Slice(begin, rows);
            var logits = tape.New(rows, head.Rows);
            tape.Kernels.Linear(x, head, null, logits, false);
            tape.Kernels.SoftCrossEntropy(logits, teacher, teacherRows.Slice(begin, rows), mass, loss, weight,
                result.CrossEntropy.Slice(begin, rows), result.Acceptance.Slice(begin, rows), result.Argmax.Slice(begin, rows), gradient);
            if (dh is not null) tape.Kernels.LinearBackwardInput(logits, head, dh.Slice(begin, rows), accumulate);
            if (gradient && head.Trainable) tape.Kernels.LinearBackwardWeight(logits, x, head, null);
            tape.Free(logits);
        }
        return result;
    }
}
