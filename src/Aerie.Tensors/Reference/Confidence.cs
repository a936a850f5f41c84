namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Confidence(Tensor logits, Tensor ids, Tensor probabilities)
    {
        for (var r = 0; r < logits.Rows; r++)
        {
            double sum = 0;
            foreach (var z in logits.Row(r)) sum += Math.Exp((double)z - logits.Row(r)[ids.I32[r]]);
            probabilities.F32[r] = (float)(1 / sum);
        }
    }
}
