namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void ExpertLinear(Tensor x, RowGroups groups, bool gather, IReadOnlyList<Parameter> weights, Tensor? bias, Tensor y)
    {
        for (var e = 0; e < weights.Count; e++)
            for (var p = groups.Starts[e]; p < groups.Starts[e + 1]; p++)
            {
                var from = x.Row(gather ? groups.Sources.I32[p] : p);
                for (var n = 0; n < weights[e].Rows; n++) y.Row(p)[n] = (float)(Product(from, weights[e], n) + (bias is null ? 0 : bias.Row(e)[n]));
            }
    }

    public void AddExperts(Tensor y, RowGroups groups, Tensor factors, Tensor to)
    {
        for (var r = 0; r < factors.Rows; r++)
            for (var c = 0; c < to.Cols; c++)
            {
                double sum = to.Row(r)[c];
                for (var i = 0; i < groups.Each; i++) sum += (double)factors.Row(r)[i] * y.Row(groups.Places.I32[r * groups.Each + i])[c];
                to.Row(r)[c] = (float)sum;
            }
    }

    public void HeadLinear(Tensor x, int xColumn, int xStride, IReadOnlyList<Parameter> weights, Tensor y, int yColumn, int yStride)
    {
        for (var r = 0; r < x.Rows; r++)
            for (var h = 0; h < weights.Count; h++)
                for (var n = 0; n < weights[h].Rows; n++)
                    y.Row(r)[yColumn + h * yStride + n] = (float)Product(x.Row(r)[(xColumn + h * xStride)..], weights[h], n);
    }

    static double Product(ReadOnlySpan<float> x, Columns w, int n)
    {
        double sum = 0;
        for (var k = 0; k < w.Count; k++) sum += (double)Rounded(x[k], w) * WeightAt(w, n, k);
        return sum;
    }
}
