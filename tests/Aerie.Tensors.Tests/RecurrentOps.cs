// Cases of the operations with a state: a row is a sequence of its own with one to three new tokens, some kept ones and some that settle.
namespace Aerie.Tensors.Tests;

static class RecurrentOps
{
    const int New = 3, Keep = 3, StateSize = 19;

    internal static IEnumerable<OpCase> Of(int rows, int cols)
    {
        var (size, n) = ($"[{rows}, {cols}]", (long)rows * cols * 4);
        foreach (var (bias, taps) in ((bool, int)[])[(false, 4), (true, 4), (true, 3)])
            yield return new($"CausalConv bias={bias} taps={taps} {size}", rows, 4 * n, (k, at, count) =>
            {
                var runs = Runs(at, count);
                using var past = OpCase.Part(1, rows, (taps - 1 + Keep) * (cols + 3), at, count).Reshape(new Shape(count, taps - 1 + Keep, cols + 3));
                using var x = OpCase.Part(2, New * rows, cols + 5, New * at, New * count);
                using var y = Tensor.Allocate(new Shape(runs.Sum(r => r.Kept + r.Count), cols + 3));
                k.CausalConv(x, 1, past, runs, OpCase.Normal(3, taps, cols), bias ? OpCase.Normal(4, 1, cols) : null, y);
                return [OpCase.Out("y", y), OpCase.Out("past", past)];
            });
        yield return new($"SelectiveScan {size}", rows, 4 * n, (k, at, count) =>
        {
            var runs = Runs(at, count);
            var layout = new ScanLayout(2, (cols + 1) / 2, 1 + cols % 2, StateSize);
            using var all = OpCase.Part(1, (New + Keep) * rows, layout.Width + 2, (New + Keep) * at, (New + Keep) * count);
            using var x = Tensor.Allocate(new Shape(runs.Sum(r => r.Kept + r.Count), layout.Width + 2));
            for (var s = 0; s < count; s++)
                for (var i = 0; i < runs[s].Kept + runs[s].Count; i++) all.Row((New + Keep) * s + i).CopyTo(x.Row(runs[s].At + i));
            using var state = OpCase.Part(2, rows, layout.State, at, count);
            using var y = Tensor.Allocate(new Shape(New * count, layout.Inner));
            k.SelectiveScan(layout, x, OpCase.Normal(3, 1, layout.Heads), OpCase.Normal(4, 1, layout.Heads), OpCase.Normal(5, 1, layout.Heads), runs, state, y);
            return [OpCase.Out("y", y), OpCase.Out("state", state)];
        });
        foreach (var groups in (int[])[1, cols % 4 == 0 ? 4 : cols])
            yield return new($"GatedGroupNorm groups={groups} {size}", rows, 3 * n, (k, at, count) =>
            {
                using var x = OpCase.Part(1, rows, cols, at, count);
                k.GatedGroupNorm(x, OpCase.Part(2, rows, cols + 3, at, count, 3), 2, groups, OpCase.Normal(3, 1, cols), 1e-5f, x);
                return [OpCase.Out("y", x)];
            });
    }

    static RecurrentRun[] Runs(int first, int count)
    {
        var (runs, at) = (new RecurrentRun[count], 0);
        for (var i = 0; i < count; at += runs[i].Kept + runs[i].Count, i++)
        {
            var (fresh, kept) = (1 + (first + i) % New, (first + i) / 2 % (Keep + 1));
            runs[i] = new RecurrentRun(i, New * i, fresh, kept, Math.Max(fresh + kept - Keep, (first + i) % 5 % (fresh + kept + 1)), at);
        }
        return runs;
    }
}
