namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void ExpertLinear(Tensor x, RowGroups groups, bool gather, IReadOnlyList<Parameter> weights, Tensor? bias, Tensor y)
    {
        var starts = groups.Starts;
        var (n, k) = (weights[0].Rows, weights[0].Cols);
        Check.That(starts.Length == weights.Count + 1 && x.Cols == k && y.Cols == n && y.Rows >= groups.Count && (gather || x.Rows >= groups.Count), $"{x} through {weights.Count} of {weights[0]} to {y}");
        Check.That(bias is null || (bias.Rows == weights.Count && bias.Cols == n), $"bias {bias} of {weights.Count} times {weights[0]}");
        var rows = gather ? (int*)groups.Sources.Address : null;
        for (var p = 0; gather && p < groups.Count; p++) Check.That(rows[p] < x.Rows, $"row {rows[p]} of {x}");
        var products = GroupedGemm.Begin();
        for (var e = 0; e < weights.Count; e++)
        {
            var (begin, count) = (starts[e], starts[e + 1] - starts[e]);
            if (count == 0) continue;
            Check.That(weights[e].Rows == n && weights[e].Cols == k, $"{weights[e]} beside {weights[0]}");
            products.Add(gather ? x.Floats : x.Floats + (long)begin * k, x.Cols, gather ? rows + begin : null, count, Packed(weights[e], true), y.Floats + (long)begin * n, n,
                bias is null ? null : bias.Floats + (long)e * n);
        }
        products.Run();
    }

    public void HeadLinear(Tensor x, int xColumn, int xStride, IReadOnlyList<Parameter> weights, Tensor y, int yColumn, int yStride)
    {
        var (n, k) = (weights[0].Rows, weights[0].Cols);
        Check.That(xColumn >= 0 && xStride >= 0 && xColumn + (long)(weights.Count - 1) * xStride + k <= x.Cols && y.Rows == x.Rows, $"{weights.Count} of {weights[0]} from {x} at {xColumn}, {xStride}");
        Check.That(yColumn >= 0 && yStride >= n && yColumn + (long)(weights.Count - 1) * yStride + n <= y.Cols, $"{weights.Count} of {weights[0]} to {y} at {yColumn}, {yStride}");
        var products = GroupedGemm.Begin();
        for (var h = 0; x.Rows > 0 && h < weights.Count; h++)
        {
            Check.That(weights[h].Rows == n && weights[h].Cols == k, $"{weights[h]} beside {weights[0]}");
            products.Add(x.Floats + xColumn + (long)h * xStride, x.Cols, null, x.Rows, Packed(weights[h], true), y.Floats + yColumn + (long)h * yStride, y.Cols, null);
        }
        products.Run();
    }

    public void AddExperts(Tensor y, RowGroups groups, Tensor factors, Tensor to)
    {
        Check.That(factors.Count == groups.Count && factors.Cols == groups.Each && to.Rows == factors.Rows && to.Cols == y.Cols && y.Rows >= groups.Count, $"{y} times {factors} to {to}");
        var body = new AddExpertsBody
        {
            Y = y.Floats, Factors = factors.Floats, To = to.Floats, Places = (int*)groups.Places.Address, Each = groups.Each, Cols = to.Cols, Parts = (to.Cols + ColumnBlock - 1) / ColumnBlock,
        };
        Threads.For(to.Rows * body.Parts, ref body, Math.Max(1, Grain / ColumnBlock / groups.Each));
    }

    /// <summary>Items are blocks of columns of a row.</summary>
    struct AddExpertsBody : IParallelBody
    {
        public float* Y, Factors, To;
        public int* Places;
        public int Each, Cols, Parts;

        public readonly void Invoke(int begin, int end)
        {
            for (var item = begin; item < end; item++)
            {
                var (r, from) = (item / Parts, item % Parts * ColumnBlock);
                var to = To + (long)r * Cols;
                var last = Math.Min(from + ColumnBlock, Cols);
                for (var i = 0; i < Each; i++)
                {
                    var factor = Factors[(long)r * Each + i];
                    var y = Y + (long)Places[(long)r * Each + i] * Cols;
                    var c = from;
                    for (; c + V.Width <= last; c += V.Width) V.MulAdd(V.All(factor), V.Load(y + c), V.Load(to + c)).Store(to + c);
                    if (c < last) Lanes.Lane.StorePart(V.MulAdd(V.All(factor), Lanes.Lane.LoadPart<V>(y + c, last - c), Lanes.Lane.LoadPart<V>(to + c, last - c)), to + c, last - c);
                }
            }
        }
    }
}
