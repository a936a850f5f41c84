namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void GatedGroupNorm(Tensor x, Tensor z, int column, int groups, Tensor w, float eps, Tensor y)
    {
        var size = x.Cols / groups;
        for (var r = 0; r < x.Rows; r++)
            for (var g = 0; g < groups; g++)
            {
                var u = new double[size];
                for (var i = 0; i < size; i++)
                {
                    double gate = z.Row(r)[column + g * size + i];
                    u[i] = x.Row(r)[g * size + i] * gate / (1 + Math.Exp(-gate));
                }
                var s = 1 / Math.Sqrt(u.Sum(v => v * v) / size + eps);
                for (var i = 0; i < size; i++) y.Row(r)[g * size + i] = (float)(u[i] * s * At(w, g * size + i));
            }
    }
}
