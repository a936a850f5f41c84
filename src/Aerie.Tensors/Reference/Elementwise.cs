namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Add(Tensor a, Tensor b, Tensor y)
    {
        for (var i = 0; i < y.Count; i++) y.F32[i] = a.F32[i] + b.F32[i];
    }

    public void GatherRows(Tensor x, Tensor rows, Tensor y, bool accumulate)
    {
        for (var r = 0; r < y.Rows; r++)
            for (var i = 0; i < y.Cols; i++) y.Row(r)[i] = x.Row(rows.I32[r])[i] + (accumulate ? y.Row(r)[i] : 0);
    }

    public void ScatterAddRows(Tensor y, Tensor rows, Tensor x)
    {
        for (var r = 0; r < y.Rows; r++)
            for (var i = 0; i < y.Cols; i++) x.Row(rows.I32[r])[i] += y.Row(r)[i];
    }

    public void Scale(Tensor x, float factor)
    {
        foreach (ref var e in x.F32) e *= factor;
    }

    public void AddScaled(Tensor x, float factor, Tensor y)
    {
        for (var i = 0; i < y.Count; i++) y.F32[i] += factor * x.F32[i];
    }

    public void SoftCap(Tensor x, float cap)
    {
        foreach (ref var e in x.F32) e = (float)(cap * Math.Tanh(e / cap));
    }
}
