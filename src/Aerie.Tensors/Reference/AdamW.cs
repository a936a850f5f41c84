namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void AdamW(Tensor value, Tensor gradient, Tensor m, Tensor v, float scale, AdamWUpdate update)
    {
        for (var i = 0; i < value.Count; i++)
        {
            double g = gradient.F32[i] * scale;
            gradient.F32[i] = 0;
            double first = m.F32[i] = (float)(update.Beta1 * m.F32[i] + (1 - update.Beta1) * g);
            double second = v.F32[i] = (float)(update.Beta2 * v.F32[i] + (1 - update.Beta2) * g * g);
            var step = first / update.Correction1 / (Math.Sqrt(second / update.Correction2) + update.Epsilon);
            value.F32[i] = (float)(value.F32[i] * (1 - update.LearningRate * update.WeightDecay) - update.LearningRate * step);
        }
    }

    public double SumOfSquares(Tensor x)
    {
        double sum = 0;
        foreach (var v in x.F32) sum += (double)v * v;
        return sum;
    }
}
