// The recurrence of Mamba-2 (Dao & Gu 2024, arXiv:2405.21060). Head a of h, of group g = floor(a / (h / G)); x_a [P], B_g and C_g [N], state S_a [N, P], float32:
//   dt = softplus(raw + bias_a)       (never clamped)
//   S_a = exp(-exp(A_log_a) dt) S_a + B_g (outer) dt x_a        y_a = C_gᵀ S_a + D_a x_a
// Every element of the state is one chain of multiply-adds over the tokens and every y one sum in ascending n, so passes may be cut anywhere without changing a bit.
namespace Aerie.Tensors;

/// <summary>Sizes of a selective scan: h heads of P values, G groups that share B and C, N values of state for each of P.</summary>
public readonly record struct ScanLayout(int Heads, int HeadSize, int Groups, int StateSize)
{
    /// <summary>Width D of x and y.</summary>
    public int Inner => Heads * HeadSize;

    /// <summary>Width of x | B | C.</summary>
    public int Convolved => Inner + 2 * Groups * StateSize;

    /// <summary>Width of a row: x | B | C | dt.</summary>
    public int Width => Convolved + Heads;

    /// <summary>Numbers of one state: [h, N, P].</summary>
    public int State => Heads * StateSize * HeadSize;
}

public partial interface IKernels
{
    /// <summary>x [kept and new rows, D + 2GN + h] (x | B | C | raw dt), A_log, D and dt bias [h] f32 → y [R, D] for the new rows, the state moved on by the settled ones.</summary>
    /// <param name="state">[slots, h N P] f32; each state is [h, N, P].</param>
    void SelectiveScan(ScanLayout layout, Tensor x, Tensor aLog, Tensor d, Tensor dtBias, ReadOnlySpan<RecurrentRun> runs, Tensor state, Tensor y);
}
