// RMSNorm of every head of a row by itself, with one weight for all heads (queries and keys of Qwen3, before they are rotated), in place:
//   y = x · w / sqrt(mean(x²) + eps)      mean over the d numbers of the head
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>Norms, in place, <paramref name="heads"/> heads that start at column <paramref name="column"/> of x [R, ...]; w [d].</summary>
    void HeadNorm(Tensor x, int column, int heads, Tensor w, float eps);
}
