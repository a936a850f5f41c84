// The scan against the block ("SSD") form of the paper (arXiv:2405.21060, section 6), which is another way to compute the same: within a chunk a masked product of
// matrices, between chunks the states. And the same bits however the tokens are cut into passes.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests;

public sealed class SelectiveScanTests
{
    static readonly ScanLayout Layout = new(6, 20, 3, 17);

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(90)]
    public void The_recurrence_equals_the_block_form(int chunk)
    {
        const int Tokens = 90;
        foreach (var kernels in (IKernels[])[Kernels.Reference, CpuKernels.Create(1), CpuKernels.Create(4), CpuKernels.Create(8), CpuKernels.Create(16)])
        {
            using var x = OpCase.Normal(1, Tokens, Layout.Width);
            using var state = OpCase.Normal(2, 1, Layout.State);
            var (wantY, wantState) = BlockForm(x, state.ToArray(), chunk);
            using var y = Tensor.Allocate(new Shape(Tokens, Layout.Inner));
            kernels.SelectiveScan(Layout, x, ALog, D, Bias, [new(0, 0, Tokens, 0, Tokens, 0)], state, y);
            OpTests.AssertClose(wantY, y.ToArray(), $"{kernels.Name}, y", 1e-11);
            OpTests.AssertClose(wantState, state.ToArray(), $"{kernels.Name}, state", 1e-11);
        }
    }

    [Fact]
    public void Passes_cut_anywhere_give_the_same_bits()
    {
        const int Tokens = 90, Keep = 40;
        var together = Read([Tokens], 0);
        foreach (var keep in (int[])[0, 1, 5, Keep])
            foreach (var pieces in (int[][])[[1], [2, 3], [31, 1, 33], [64, 7]])
            {
                var (y, state) = Read(pieces, keep);
                Assert.Equal(together.Y, y);
                if (keep == 0) Assert.Equal(together.State, state);
            }

        // Reads 90 tokens, of which the newest `keep` never settle before they must.
        static (float[] Y, float[] State) Read(int[] pieces, int keep)
        {
            using var all = OpCase.Normal(1, Tokens, Layout.Width);
            using var state = OpCase.Normal(2, 1, Layout.State);
            using var y = Tensor.Allocate(new Shape(Tokens, Layout.Inner));
            var kept = 0;
            for (int at = 0, turn = 0; at < Tokens; turn++)
            {
                var count = Math.Min(pieces[turn % pieces.Length], Tokens - at);
                var settled = Math.Max(0, kept + count - keep);
                Kernels.Cpu.SelectiveScan(Layout, all.Slice(at - kept, kept + count), ALog, D, Bias, [new(0, 0, count, kept, settled, 0)], state, y.Slice(at, count));
                (at, kept) = (at + count, kept + count - settled);
            }
            return (y.ToArray(), state.ToArray());
        }
    }

    static Tensor ALog => OpCase.Normal(3, 1, Layout.Heads);
    static Tensor D => OpCase.Normal(4, 1, Layout.Heads);
    static Tensor Bias => OpCase.Normal(5, 1, Layout.Heads);

    // L[i, j] = exp(sum of A dt over (j, i]).   Within: y_i += Σ_{j<=i} (C_i · B_j) L[i, j] dt_j x_j.   From before: y_i += exp(sum up to i) C_i S.   On: S = exp(sum of all) S + Σ_j L[last, j] B_j dt_j x_j.
    static (float[] Y, float[] State) BlockForm(Tensor x, float[] start, int chunk)
    {
        var (heads, p, groups, n) = Layout;
        var (y, state) = (new float[x.Rows * Layout.Inner], start.Select(v => (double)v).ToArray());
        for (var a = 0; a < heads; a++)
            for (var begin = 0; begin < x.Rows; begin += chunk)
            {
                var q = Math.Min(chunk, x.Rows - begin);
                double[] Row(int t, int column, int count) => [.. x.Row(begin + t).Slice(column, count).ToArray().Select(v => (double)v)];
                var dt = Enumerable.Range(0, q).Select(t => Math.Log(1 + Math.Exp(Row(t, Layout.Convolved + a, 1)[0] + Bias.ToArray()[a]))).ToArray();
                var sums = new double[q + 1];
                for (var t = 0; t < q; t++) sums[t + 1] = sums[t] - Math.Exp(ALog.ToArray()[a]) * dt[t];
                var (v, b, c) = (Rows(a * p, p), Rows(Layout.Inner + a / (heads / groups) * n, n), Rows(Layout.Inner + (groups + a / (heads / groups)) * n, n));
                double[][] Rows(int column, int count) => [.. Enumerable.Range(0, q).Select(t => Row(t, column, count))];
                for (var i = 0; i < q; i++)
                    for (var k = 0; k < p; k++)
                    {
                        var sum = D.ToArray()[a] * v[i][k];
                        for (var m = 0; m < n; m++) sum += c[i][m] * Math.Exp(sums[i + 1]) * state[(a * n + m) * p + k];
                        for (var j = 0; j <= i; j++) sum += c[i].Zip(b[j], (s, r) => s * r).Sum() * Math.Exp(sums[i + 1] - sums[j + 1]) * dt[j] * v[j][k];
                        y[(begin + i) * Layout.Inner + a * p + k] = (float)sum;
                    }
                for (var m = 0; m < n; m++)
                    for (var k = 0; k < p; k++)
                    {
                        ref var s = ref state[(a * n + m) * p + k];
                        s *= Math.Exp(sums[q]);
                        for (var j = 0; j < q; j++) s += Math.Exp(sums[q] - sums[j + 1]) * b[j][m] * dt[j] * v[j][k];
                    }
            }
        return (y, [.. state.Select(s => (float)s)]);
    }
}
