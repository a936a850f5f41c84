// How sure a choice is:   p[r] = softmax(logits[r])[ids[r]] = 1 / Σ_v exp(z_v − z_id)        (no gradient: decoding only)
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>logits [R, V], ids i32 [R], probabilities f32 [R]; meant for the ids of the highest logits.</summary>
    void Confidence(Tensor logits, Tensor ids, Tensor probabilities);
}
