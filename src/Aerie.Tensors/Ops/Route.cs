// The router of a mixture of experts (Shazeer et al. 2017, arXiv:1701.06538), row by row over its logits z of E experts, of which k are chosen:
//   softmax  (Mixtral, arXiv:2401.04088; Qwen3; gpt-oss)   p = softmax(z);  the k largest z;  factors p, or p / Σ of the k (which is the softmax over the k)
//   sigmoid  (DeepSeek-V3, arXiv:2412.19437; NemotronH)    s = σ(z), c = s + bias;  of G equal runs of experts the best by the sum of their two largest c
//            stay;  the k largest c among them;  factors s, or s / (Σ of the k + 1e-20)
// times a scale. Equal values: the lower index. The chosen are told in ascending order, so that sums over them have one order. (Inference only.)
namespace Aerie.Tensors;

/// <summary>How a router chooses and weighs.</summary>
/// <param name="Sigmoid">Scores are sigmoids; else a softmax.</param>
/// <param name="Normalize">Factors are divided by their sum.</param>
/// <param name="Groups">Equal runs of experts (sigmoid only); 1: no group limit.</param>
/// <param name="GroupsKept">Runs that may be chosen from.</param>
/// <param name="Scale">Multiplies the factors.</param>
public readonly record struct RouteRule(bool Sigmoid, bool Normalize, int Groups = 1, int GroupsKept = 1, float Scale = 1)
{
    internal void CheckShapes(Tensor logits, Tensor? bias, Tensor experts, Tensor factors)
    {
        var (e, k) = (logits.Cols, experts.Cols);
        Check.That(k <= e && experts.Rows == logits.Rows && factors.Shape == experts.Shape && (bias is null || bias.Count == e), $"{logits} -> {experts}, {factors}; bias {bias}");
        Check.That(Groups == 1 || (Groups > 1 && e % Groups == 0 && e / Groups >= 2 && GroupsKept >= 1 && GroupsKept <= Groups && e / Groups * GroupsKept >= k),
            $"{k} of {e} experts in {GroupsKept} of {Groups} groups");
    }
}

public partial interface IKernels
{
    /// <summary>logits [R, E], bias f32 [E] or null (added to sigmoid scores for the choice only) → experts i32 [R, k], ascending, and their factors f32 [R, k].</summary>
    void Route(Tensor logits, Tensor? bias, RouteRule rule, Tensor experts, Tensor factors);
}
