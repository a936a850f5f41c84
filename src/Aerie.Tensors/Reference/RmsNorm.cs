namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void RmsNorm(Tensor x, Tensor w, float eps, Tensor y, Tensor scale)
    {
        for (var r = 0; r < x.Rows; r++)
        {
            double squares = 0;
            foreach (var v in x.Row(r)) squares += (double)v * v;
            var s = 1 / Math.Sqrt(squares / x.Cols + eps);
            scale.F32[r] = (float)s;
            for (var i = 0; i < x.Cols; i++) y.Row(r)[i] = (float)(x.Row(r)[i] * s * At(w, i));
        }
    }

    public void RmsNormBackward(Tensor dy, Tensor x, Tensor w, Tensor scale, Tensor? dx, bool accumulate, Tensor? dw)
    {
        for (var r = 0; r < x.Rows; r++)
        {
            double s = scale.F32[r], dot = 0;
            for (var i = 0; i < x.Cols; i++) dot += (double)dy.Row(r)[i] * At(w, i) * x.Row(r)[i];
            for (var i = 0; i < x.Cols; i++)
            {
                double d = dy.Row(r)[i], xi = x.Row(r)[i];
                if (dw is not null) dw.F32[i] += (float)(d * xi * s);
                if (dx is not null) dx.Row(r)[i] = (float)(s * (d * At(w, i) - xi * s * s * dot / x.Cols) + (accumulate ? dx.Row(r)[i] : 0));
            }
        }
    }
}
