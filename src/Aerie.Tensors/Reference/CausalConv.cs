namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void CausalConv(Tensor x, int column, Tensor past, ReadOnlySpan<RecurrentRun> runs, Tensor taps, Tensor? bias, Tensor y)
    {
        var (lead, stored) = (taps.Rows - 1, past.Shape[1]);
        foreach (var run in runs)
        {
            var raw = new List<float[]>();
            for (var i = 0; i < lead + run.Kept; i++) raw.Add(past.Row(run.Slot * stored + i).ToArray());
            for (var i = 0; i < run.Count; i++) raw.Add(x.Row(run.Begin + i).Slice(column, y.Cols).ToArray());
            for (var i = 0; i < run.Rows; i++)
                for (var c = 0; c < y.Cols; c++)
                {
                    if (c >= taps.Cols)
                    {
                        y.Row(run.At + i)[c] = raw[i + lead][c];
                        continue;
                    }
                    double sum = bias is null ? 0 : At(bias, c);
                    for (var j = 0; j <= lead; j++) sum += (double)taps.Row(j)[c] * raw[i + j][c];
                    y.Row(run.At + i)[c] = (float)(sum / (1 + Math.Exp(-sum)));
                }
            for (var i = 0; i < lead + run.Rows - run.Settled; i++) raw[run.Settled + i].CopyTo(past.Row(run.Slot * stored + i));
        }
    }
}
