namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Prepare(Columns w) => _ = w.Parameter.Value;

    public void Linear(Tensor x, Columns w, Tensor? bias, Tensor y, bool accumulate)
    {
        for (var r = 0; r < x.Rows; r++)
            for (var n = 0; n < w.Rows; n++)
            {
                double sum = 0;
                for (var k = 0; k < w.Count; k++) sum += (double)Rounded(x.Row(r)[k], w) * WeightAt(w, n, k);
                y.Row(r)[n] = (float)(sum + (bias is null ? 0 : At(bias, n)) + (accumulate ? y.Row(r)[n] : 0));
            }
    }

    public void LinearBackwardInput(Tensor dy, Columns w, Tensor dx, bool accumulate)
    {
        for (var r = 0; r < dy.Rows; r++)
            for (var k = 0; k < w.Count; k++)
            {
                double sum = 0;
                for (var n = 0; n < w.Rows; n++) sum += (double)Rounded(dy.Row(r)[n], w) * WeightAt(w, n, k);
                dx.Row(r)[k] = (float)(sum + (accumulate ? dx.Row(r)[k] : 0));
            }
    }

    public void LinearBackwardWeight(Tensor dy, Tensor x, Columns w, Tensor? dbias)
    {
        var dw = w.Parameter.Gradient!;
        for (var n = 0; n < w.Rows; n++)
        {
            for (var k = 0; k < w.Count; k++)
            {
                double sum = 0;
                for (var r = 0; r < x.Rows; r++) sum += (double)Rounded(dy.Row(r)[n], w) * Rounded(x.Row(r)[k], w);
                dw.Row(n)[w.Begin + k] += (float)sum;
            }
            if (dbias is null) continue;
            double total = 0;
            for (var r = 0; r < dy.Rows; r++) total += dy.Row(r)[n];
            dbias.F32[n] += (float)total;
        }
    }

    static float Rounded(float value, Columns w) => w.Precision == Precision.BF16 ? BFloat16.Round(value) : value;

    static float WeightAt(Columns w, int n, int k) => Rounded(At(w.Parameter.Value, (long)n * w.Parameter.Cols + w.Begin + k), w);

    static float At(Tensor t, long i) => t.DType == DType.BF16 ? BFloat16.ToFloat(t.BF16[(int)i]) : t.F32[(int)i];
}
