// The gated norm of Mamba-2: gate first, then RMSNorm over each of G runs of D/G columns by itself:
//   u = x · silu(z)      y = u · w / sqrt(mean_group(u²) + eps)
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>x [R, D] and D columns of z [R, ...] from <paramref name="column"/>, w [D] → y [R, D], which may be x.</summary>
    void GatedGroupNorm(Tensor x, Tensor z, int column, int groups, Tensor w, float eps, Tensor y);
}
