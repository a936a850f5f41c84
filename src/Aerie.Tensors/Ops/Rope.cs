// Rotary position embedding (Su et al. 2021, arXiv:2104.09864), half rotation: pairs (i, i + r/2) of the first r dimensions of every head,
//   forward   a' = a cos − b sin     b' = b cos + a sin      at the row's position      backward   the same with −sin
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>Rotates, in place, <paramref name="heads"/> heads that start at column <paramref name="column"/> of x [R, ...], one every
    /// <see cref="RotaryTable.HeadSize"/> columns; positions i32 [R] (rows of the table); <paramref name="inverse"/> rotates back (the gradient).</summary>
    void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse);
}

public static partial class Ops
{
    /// <summary>Rotates in place; the gradient of x is rotated back before x's producer sees it.</summary>
    public static Tensor Rope(this Tape tape, Tensor x, int column, int heads, RotaryTable table, Tensor positions)
    {
        tape.Kernels.Rope(x, column, heads, table, positions, false);
        if (x.NeedsGradient)
            tape.RecordInPlace(x, () => tape.Kernels.Rope(Tape.GradientOf(x), column, heads, table, positions, true));
        return x;
    }
}
