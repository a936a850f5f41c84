// Next-token loss with hard labels, fused with the head W [V, H]: logits exist for a chunk of rows only, and their gradient is known when they are.
//   loss = Σ_r weight_r · (log Σ_v exp z_v − z_label)      dz = weight_r (softmax(z) − onehot(label))      dh = dz W      dW += dzᵀ h
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>logits [R, V] become dz in place when <paramref name="gradient"/>; labels i32 [R] (-1: no loss, zero gradient);
    /// weights f32 [R]; losses [R] = weight · cross entropy; hits i32 [R] = 1 where the argmax (lowest id on ties) is the label.</summary>
    void CrossEntropy(Tensor logits, Tensor labels, Tensor weights, Tensor losses, Tensor hits, bool gradient);
}

public static partial class Ops
{
    /// <summary>Rows whose logits take some tens of megabytes, and that are enough for products to be fast.</summary>
    static int RowsOfLogits(int vocabulary) => Math.Clamp((64 << 20) / 4 / Math.Max(1, vocabulary) / 64 * 64, 128, 1024);

    /// <summary>h [R, H], head [V, H]; logits live for <paramref name="chunkRows"/> rows at a time (0: some tens of megabytes). Returns the summed loss; gradients of h and of the head are there when it returns.</summary>
    public static (double Loss, int Hits) LinearCrossEntropy(this Tape tape, Tensor h, Parameter head, Tensor labels, Tensor weights, int chunkRows = 0)
    {
        var losses = tape.New(new Shape(h.Rows));
        var hits = tape.New(new Shape(h.Rows), DType.I32);
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
            tape.Kernels.CrossEntropy(logits, labels.Slice(begin, rows), weights.Slice(begin, rows), losses.Slice(begin, rows), hits.Slice(begin, rows), gradient);
            if (dh is not null) tape.Kernels.LinearBackwardInput(logits, head, dh.Slice(begin, rows), accumulate);
            if (gradient && head.Trainable) tape.Kernels.LinearBackwardWeight(logits, x, head, null);
            tape.Free(logits);
        }
        double total = 0;
        var right = 0;
        foreach (var loss in losses.F32) total += loss;
        foreach (var hit in hits.I32) right += hit;
        return (total, right);
    }
}
