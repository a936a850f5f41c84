// Matrix product with a parameter W [n, k] (or a block of its columns), bias b [n]:
//   forward    y = x Wᵀ + b             backward   dx = dy W      dW += dyᵀ x      db += Σ_rows dy
// With Precision.BF16 both operands of each product are rounded to bf16 and sums are float32.
// A row of y depends on its row of x alone, bit for bit, however many rows are computed together.
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>Does now what the first product with w would do: brings it into the form that products read.</summary>
    void Prepare(Columns w);

    /// <summary>y [m, n] (+)= x [m, k] · W [n, k]ᵀ + bias [n]. With <paramref name="accumulate"/> the product is added to y.</summary>
    void Linear(Tensor x, Columns w, Tensor? bias, Tensor y, bool accumulate);

    /// <summary>dx [m, k] (+)= dy [m, n] · W [n, k].</summary>
    void LinearBackwardInput(Tensor dy, Columns w, Tensor dx, bool accumulate);

    /// <summary>The parameter's gradient (those columns) += dy [m, n]ᵀ · x [m, k]; dbias [n] += Σ_rows dy.</summary>
    void LinearBackwardWeight(Tensor dy, Tensor x, Columns w, Tensor? dbias);
}

public static partial class Ops
{
    /// <summary>x [m, k], w [n, k], bias [n] or null → [m, n].</summary>
    public static Tensor Linear(this Tape tape, Tensor x, Columns w, Parameter? bias = null)
    {
        Check.That(x.Cols == w.Count, $"{x} times {w.Parameter} columns {w.Begin}..{w.Begin + w.Count}");
        var y = tape.New(x.Rows, w.Rows);
        tape.Kernels.Linear(x, w, bias?.Value, y, false);
        if (x.NeedsGradient || w.Parameter.Trainable || bias is { Trainable: true })
            tape.Record(y, () => LinearBackward(tape, x, w, bias, y));
        return y;
    }

    /// <summary>residual + x Wᵀ + bias: the residual stream. The product is added to a copy of the residual; nothing else is kept.</summary>
    public static Tensor LinearAdd(this Tape tape, Tensor residual, Tensor x, Columns w, Parameter? bias = null)
    {
        Check.That(x.Cols == w.Count && residual.Cols == w.Rows && residual.Rows == x.Rows,
            $"{residual} + {x} times {w.Parameter} columns {w.Begin}..{w.Begin + w.Count}");
        var y = tape.New(residual.Shape);
        y.CopyFrom(residual);
        tape.Kernels.Linear(x, w, bias?.Value, y, true);
        if (residual.NeedsGradient || x.NeedsGradient || w.Parameter.Trainable || bias is { Trainable: true })
            tape.Record(y, () =>
            {
                LinearBackward(tape, x, w, bias, y);
                if (residual.NeedsGradient) tape.PassGradient(y, residual);
            });
        return y;
    }

    static void LinearBackward(Tape tape, Tensor x, Columns w, Parameter? bias, Tensor y)
    {
        var dy = Tape.GradientOf(y);
        if (w.Parameter.Trainable) tape.Kernels.LinearBackwardWeight(dy, x, w, bias?.Gradient);
        if (!x.NeedsGradient) return;
        var dx = tape.GradientFor(x, out var accumulate);
        tape.Kernels.LinearBackwardInput(dy, w, dx, accumulate);
    }
}
