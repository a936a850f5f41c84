// The MLP half of a layer as one op, for its memory: y = x + W_d silu(g) · u (+ b_d),  [g | u] = W_gu norm(x) (+ b_gu).
// Kept for the backward pass: x, the norm's scale and [g | u] (or nothing of the latter: one more product). norm(x) and silu(g)·u are computed again,
// the gradient of [g | u] takes its place, and each gradient takes the place of the value that it belongs to.
namespace Aerie.Tensors;

public static partial class Ops
{
    /// <summary>x [R, H] + down(swiglu(gateUp(norm(x)))); gateUp [2I, H], down [H, I].</summary>
    /// <param name="recompute">Keep no [R, 2I] for the backward pass; it costs the first product once more.</param>
    public static Tensor GatedMlp(this Tape tape, Tensor x, Parameter norm, float eps, Parameter gateUp, Parameter? gateUpBias, Parameter down, Parameter? downBias,
        bool recompute = false)
    {
        Check.That(norm.Value.Count == x.Cols && gateUp.Cols == x.Cols && gateUp.Rows == 2 * down.Cols && down.Rows == x.Cols, $"{x}: {norm}, {gateUp}, {down}");
        var kernels = tape.Kernels;
        var (y, scale) = (tape.New(x.Shape), tape.New(new Shape(x.Rows)));      // what stays first, so that what goes leaves no holes
        y.CopyFrom(x);
        var hidden = Hidden();
        var inner = tape.New(x.Rows, down.Cols);
        kernels.SwiGlu(hidden, inner);
        kernels.Linear(inner, down, downBias?.Value, y, true);
        tape.Free(inner);
        var records = tape.Recording && (x.NeedsGradient || norm.Trainable || gateUp.Trainable || down.Trainable);
        if (recompute || !records) tape.Free(hidden);
        if (records) tape.Record(y, Backward);
        return y;

        Tensor Hidden()
        {
            var product = tape.New(x.Rows, gateUp.Rows);
            var normed = tape.New(x.Shape);
            kernels.RmsNorm(x, norm.Value, eps, normed, scale);
            kernels.Linear(normed, gateUp, gateUpBias?.Value, product, false);
            tape.Free(normed);
            return product;
        }

        void Backward()
        {
            var dy = Tape.GradientOf(y);
            if (recompute) hidden = Hidden();
            var inner = tape.New(x.Rows, down.Cols);
            kernels.SwiGlu(hidden, inner);
            if (down.Trainable) kernels.LinearBackwardWeight(dy, inner, down, downBias?.Gradient);
            kernels.LinearBackwardInput(dy, down, inner, false);
            kernels.SwiGluBackward(inner, hidden, hidden, false);
            tape.Free(inner);

            var normed = tape.New(x.Shape);
            kernels.RmsNorm(x, norm.Value, eps, normed, scale);
            if (gateUp.Trainable) kernels.LinearBackwardWeight(hidden, normed, gateUp, gateUpBias?.Gradient);
            kernels.LinearBackwardInput(hidden, gateUp, normed, false);
            tape.Free(hidden);
            if (x.NeedsGradient) tape.PassGradient(y, x);
            kernels.RmsNormBackward(normed, x, norm.Value, scale, x.NeedsGradient ? Tape.GradientOf(x) : null, true, norm.Gradient);
            tape.Free(normed);
        }
    }
}
