namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void CrossEntropy(Tensor logits, Tensor labels, Tensor weights, Tensor losses, Tensor hits, bool gradient)
    {
        for (var r = 0; r < logits.Rows; r++)
        {
            var z = logits.Row(r);
            var (label, weight) = (labels.I32[r], weights.F32[r]);
            hits.I32[r] = label >= 0 && IndexOfMax(z) == label ? 1 : 0;
            var logSum = LogSumExp(z);
            losses.F32[r] = label < 0 ? 0 : (float)(weight * (logSum - z[label]));
            if (!gradient) continue;
            for (var i = 0; i < z.Length; i++)
                z[i] = label < 0 ? 0 : (float)(weight * (Math.Exp(z[i] - logSum) - (i == label ? 1 : 0)));
        }
    }

    static double LogSumExp(ReadOnlySpan<float> z)
    {
        double max = z[IndexOfMax(z)], sum = 0;
        foreach (var v in z) sum += Math.Exp(v - max);
        return max + Math.Log(sum);
    }

    static int IndexOfMax(ReadOnlySpan<float> z)
    {
        var best = 0;
        for (var i = 1; i < z.Length; i++)
            if (z[i] > z[best]) best = i;
        return best;
    }
}
