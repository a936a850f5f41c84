// A norm and the product that reads it, as one op, for its memory: y = W norm(x) + b; norm(x) is computed again in the backward pass.
namespace Aerie.Tensors;

public static partial class Ops
{
    /// <summary>x [m, k] → [m, n]: <see cref="Linear"/> of <see cref="RmsNorm"/>.</summary>
    public static Tensor NormLinear(this Tape tape, Tensor x, Parameter norm, float eps, Columns w, Parameter? bias = null)
    {
        Check.That(norm.Value.Count == x.Cols && w.Count == x.Cols, $"{x}: {norm}, {w.Parameter} columns {w.Begin}..{w.Begin + w.Count}");
        var kernels = tape.Kernels;
        var (y, scale) = (tape.New(x.Rows, w.Rows), tape.New(new Shape(x.Rows)));       // what stays first: no holes
        var normed = tape.New(x.Shape);
        kernels.RmsNorm(x, norm.Value, eps, normed, scale);
        kernels.Linear(normed, w, bias?.Value, y, false);
        tape.Free(normed);
        if (x.NeedsGradient || norm.Trainable || w.Parameter.Trainable) tape.Record(y, Backward);
        return y;

        void Backward()
        {
            var dy = Tape.GradientOf(y);
            var accumulate = false;
            var dx = x.NeedsGradient ? tape.GradientFor(x, out accumulate) : null;
            var normed = tape.New(x.Shape);
            kernels.RmsNorm(x, norm.Value, eps, normed, scale);
            if (w.Parameter.Trainable) kernels.LinearBackwardWeight(dy, normed, w, bias?.Gradient);
            kernels.LinearBackwardInput(dy, w, normed, false);
            kernels.RmsNormBackward(normed, x, norm.Value, scale, dx, accumulate, norm.Gradient);
            tape.Free(normed);
        }
    }
}
