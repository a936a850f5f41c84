// SwiGLU (Shazeer 2020, arXiv:2002.05202) on rows [gate | up] of width 2I:
//   forward   y = silu(gate) · up,  silu(x) = x σ(x)
//   backward  dgate = dy · up · σ(gate) (1 + gate (1 − σ(gate)))     dup = dy · silu(gate)
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>gateUp [R, 2I] → y [R, I].</summary>
    void SwiGlu(Tensor gateUp, Tensor y);

    /// <summary>dgateUp [R, 2I] (+)= ...</summary>
    void SwiGluBackward(Tensor dy, Tensor gateUp, Tensor dgateUp, bool accumulate);
}

public static partial class Ops
{
    public static Tensor SwiGlu(this Tape tape, Tensor gateUp)
    {
        var y = tape.New(gateUp.Rows, gateUp.Cols / 2);
        tape.Kernels.SwiGlu(gateUp, y);
        if (gateUp.NeedsGradient)
            tape.Record(y, () =>
            {
                var d = tape.GradientFor(gateUp, out var accumulate);
                tape.Kernels.SwiGluBackward(Tape.GradientOf(y), gateUp, d, accumulate);
            });
        return y;
    }
}
