namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void SoftCrossEntropy(Tensor logits, Tensor teacher, Tensor teacherRows, Tensor? mass, SoftLoss loss, float weight,
        Tensor crossEntropy, Tensor acceptance, Tensor argmax, bool gradient)
    {
        var n = logits.Cols;
        for (var r = 0; r < logits.Rows; r++)
        {
            var z = logits.Row(r);
            long row = teacherRows.I32[r];
            double m = mass is null ? 1 : mass.F32[(int)row], logSum = LogSumExp(z), ce = 0, accepted = 0, below = 0;
            for (var i = 0; i < n; i++)
            {
                double p = At(teacher, row * n + i), q = Math.Exp(z[i] - logSum);
                ce += p * (logSum - z[i]);
                accepted += Math.Min(m * p, q);
                if (q <= m * p) below += q;
            }
            argmax.I32[r] = IndexOfMax(z);
            (crossEntropy.F32[r], acceptance.F32[r]) = ((float)ce, (float)accepted);
            if (!gradient) continue;
            // loss falls by this much per unit of acceptance; log 0 contributes nothing
            var perAcceptance = loss.OneMinusAcceptance + (accepted > 0 ? loss.MinusLogAcceptance / accepted : 0);
            for (var i = 0; i < n; i++)
            {
                double p = At(teacher, row * n + i), q = Math.Exp(z[i] - logSum);
                z[i] = (float)(weight * (loss.CrossEntropy * (q - p) - perAcceptance * q * ((q <= m * p ? 1 : 0) - below)));
            }
        }
    }

    public void SelectedSoftmax(Tensor logits, Tensor ids, Tensor probs, Tensor argmax, Tensor? mass)
    {
        var n = probs.Cols;
        var selected = new float[n];
        for (var r = 0; r < logits.Rows; r++)
        {
            var z = logits.Row(r);
            argmax.I32[r] = IndexOfMax(z);
            for (var i = 0; i < n; i++) selected[i] = z[ids.I32[i]];
            var logSum = LogSumExp(selected);
            if (mass is not null) mass.F32[r] = (float)Math.Exp(logSum - LogSumExp(z));
            for (var i = 0; i < n; i++)
            {
                var p = (float)Math.Exp(selected[i] - logSum);
                if (probs.DType == DType.BF16) probs.BF16[r * n + i] = BFloat16.FromFloat(p);
                else probs.Row(r)[i] = p;
            }
        }
    }

    public void Argmax(Tensor logits, Tensor ids)
    {
        for (var r = 0; r < logits.Rows; r++) ids.I32[r] = IndexOfMax(logits.Row(r));
    }
}
