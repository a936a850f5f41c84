namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void SelectiveScan(ScanLayout layout, Tensor x, Tensor aLog, Tensor d, Tensor dtBias, ReadOnlySpan<RecurrentRun> runs, Tensor state, Tensor y)
    {
        var (heads, p, groups, n) = layout;
        foreach (var run in runs)
            for (var a = 0; a < heads; a++)
            {
                var home = state.Row(run.Slot).Slice(a * n * p, n * p);
                var s = home.ToArray().Select(v => (double)v).ToArray();
                for (var t = 0; t < run.Rows; t++)
                {
                    var row = x.Row(run.At + t);
                    double raw = row[layout.Convolved + a] + (double)At(dtBias, a), dt = raw > 30 ? raw : Math.Log(1 + Math.Exp(raw)), decay = Math.Exp(-Math.Exp(At(aLog, a)) * dt);
                    var b = row.Slice(layout.Inner + a / (heads / groups) * n, n);
                    var c = row.Slice(layout.Inner + (groups + a / (heads / groups)) * n, n);
                    for (var j = 0; j < p; j++)
                    {
                        double v = row[a * p + j], sum = At(d, a) * v;
                        for (var i = 0; i < n; i++)
                        {
                            s[i * p + j] = decay * s[i * p + j] + b[i] * dt * v;
                            sum += c[i] * s[i * p + j];
                        }
                        if (t >= run.Kept) y.Row(run.Begin + t - run.Kept)[a * p + j] = (float)sum;
                    }
                    if (t + 1 == run.Settled)
                        for (var i = 0; i < s.Length; i++) home[i] = (float)s[i];
                }
            }
    }
}
