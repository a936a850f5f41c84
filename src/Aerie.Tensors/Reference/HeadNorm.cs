namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void HeadNorm(Tensor x, int column, int heads, Tensor w, float eps)
    {
        var d = (int)w.Count;
        for (var r = 0; r < x.Rows; r++)
            for (var h = 0; h < heads; h++)
            {
                var head = x.Row(r).Slice(column + h * d, d);
                double squares = 0;
                foreach (var v in head) squares += (double)v * v;
                var s = 1 / Math.Sqrt(squares / d + eps);
                for (var i = 0; i < d; i++) head[i] = (float)(head[i] * s * At(w, i));
            }
    }
}
