// RMSNorm (Zhang & Sennrich 2019, arXiv:1910.07467), one row at a time.
//   forward    s = 1 / sqrt(mean(x²) + eps)      y = x · s · w
//   backward   dx = s · (dy·w − x · s² · mean(dy·w·x))      dw += Σ_rows dy · x · s
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>x, y [R, H], w [H]; scale [R] receives s.</summary>
    void RmsNorm(Tensor x, Tensor w, float eps, Tensor y, Tensor scale);

    /// <summary>dx (+)= ...; dw [H] += ... (null: not wanted). dx may be the memory of dy when not accumulating.</summary>
    void RmsNormBackward(Tensor dy, Tensor x, Tensor w, Tensor scale, Tensor? dx, bool accumulate, Tensor? dw);
}

public static partial class Ops
{
    public static Tensor RmsNorm(this Tape tape, Tensor x, Parameter w, float eps)
    {
        Check.That(w.Value.Count == x.Cols, $"weight {w} must match the last dimension of x {x}");
        var y = tape.New(x.Rows, x.Cols);
        var scale = tape.New(new Shape(x.Rows));
        tape.Kernels.RmsNorm(x, w.Value, eps, y, scale);
        if (x.NeedsGradient || w.Trainable)
            tape.Record(y, () =>
            {
                var dy = Tape.GradientOf(y);
                var accumulate = false;
                var dx = x.NeedsGradient ? tape.GradientFor(x, out accumulate) : null;
                tape.Kernels.RmsNormBackward(dy, x, w.Value, scale, dx, accumulate, w.Gradient);
            });
        return y;
    }
}
