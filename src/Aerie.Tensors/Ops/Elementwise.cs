// Sums of rows, with and without an index.
//   Add             y = a + b                 da += dy, db += dy
//   GatherRows      y[r] = x[rows[r]]         dx[rows[r]] += dy[r]
//   AddGathered     y[r] += table[rows[r]]    dtable[rows[r]] += dy[r]      (in place on y)
// In place and forward only, for the residual streams and logits of frozen targets:
//   Scale           x = a x                   AddScaled   y += a x          SoftCap   x = c tanh(x / c)
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>y = a + b; y may be a or b.</summary>
    void Add(Tensor a, Tensor b, Tensor y);

    /// <summary>y [R, H] (+)= x [N, H] at rows (i32 [R]).</summary>
    void GatherRows(Tensor x, Tensor rows, Tensor y, bool accumulate);

    /// <summary>x [N, H] at rows (i32 [R]) += y [R, H], in ascending r.</summary>
    void ScatterAddRows(Tensor y, Tensor rows, Tensor x);

    /// <summary>x = factor · x.</summary>
    void Scale(Tensor x, float factor);

    /// <summary>y += factor · x.</summary>
    void AddScaled(Tensor x, float factor, Tensor y);

    /// <summary>x = tanh(x / cap) · cap, cap above 0.</summary>
    void SoftCap(Tensor x, float cap);
}

public static partial class Ops
{
    public static Tensor Add(this Tape tape, Tensor a, Tensor b)
    {
        Check.That(a.Shape == b.Shape, $"{a} and {b}");
        var y = tape.New(a.Shape);
        tape.Kernels.Add(a, b, y);
        if (a.NeedsGradient || b.NeedsGradient)
            tape.Record(y, () =>
            {
                if (a.NeedsGradient && b.NeedsGradient) tape.AddGradient(a, Tape.GradientOf(y));
                tape.PassGradient(y, b.NeedsGradient ? b : a);
            });
        return y;
    }

    public static Tensor GatherRows(this Tape tape, Tensor x, Tensor rows)
    {
        var y = tape.New((int)rows.Count, x.Cols);
        tape.Kernels.GatherRows(x, rows, y, false);
        if (x.NeedsGradient)
            tape.Record(y, () => tape.Kernels.ScatterAddRows(Tape.GradientOf(y), rows, tape.GradientZeroed(x)));
        return y;
    }

    /// <summary>y[r] += table[rows[r]], in place.</summary>
    public static Tensor AddGathered(this Tape tape, Tensor y, Tensor table, Tensor rows)
    {
        Check.That(y.Cols == table.Cols && rows.Count == y.Rows, $"{y} += rows {rows} of {table}");
        tape.Kernels.GatherRows(table, rows, y, true);
        if (table.NeedsGradient)
            tape.RecordInPlace(y, () => tape.Kernels.ScatterAddRows(Tape.GradientOf(y), rows, tape.GradientZeroed(table)));
        y.NeedsGradient |= table.NeedsGradient;
        return y;
    }
}
