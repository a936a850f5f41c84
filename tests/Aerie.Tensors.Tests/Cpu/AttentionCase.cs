// One attention problem with seeded numbers: fused rows, any intervals, any chain.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests.Cpu;

/// <summary>Query rows with intervals into T key rows, and chain steps with rows of their own.</summary>
public sealed class AttentionCase : IDisposable
{
    readonly List<Tensor> owned = [];

    public AttentionCase(HeadLayout layout, int keyRows, (int Begin, int End)[] intervals, int chain, int seed = 1)
    {
        (Layout, KeyRows) = (layout, keyRows);
        Random = new Random(seed);
        Queries = Fill(intervals.Length, layout.FusedWidth);
        Keys = Fill(keyRows, layout.FusedWidth);
        Intervals = Own(Tensor.From(intervals.SelectMany(i => new[] { i.Begin, i.End }).ToArray()));
        Chain = new ChainKeys[chain];
        for (var i = 0; i < chain; i++)
        {
            var rows = Enumerable.Range(0, intervals.Length).Select(_ => Random.Next(intervals.Length + 3)).ToArray();
            // Every row of a chain step belongs to one slot.
            for (var r = 0; r < rows.Length; r++) rows[r] = r + i % 3;
            Chain[i] = new(Fill(intervals.Length + 3, layout.FusedWidth), Own(Tensor.From(rows)));
        }
        Y = Own(Tensor.Allocate(new Shape(intervals.Length, layout.Heads * layout.HeadSize)));
        LogSumExp = Own(Tensor.Allocate(new Shape(intervals.Length, layout.Heads)));
    }

    public HeadLayout Layout { get; }
    public int KeyRows { get; }
    public Random Random { get; }

    /// <summary>One more logit for each head, or null.</summary>
    public Tensor? Sinks { get; set; }
    public Tensor Queries { get; }
    public Tensor Keys { get; }
    public Tensor Intervals { get; }
    public ChainKeys[] Chain { get; }
    public Tensor Y { get; }
    public Tensor LogSumExp { get; }

    public Tensor Fill(int rows, int cols)
    {
        var values = new float[rows * cols];
        for (var i = 0; i < values.Length; i++) values[i] = (float)(Random.NextDouble() * 4 - 2);
        return Own(Tensor.From(values, new Shape(rows, cols)));
    }

    Tensor Own(Tensor tensor)
    {
        owned.Add(tensor);
        return tensor;
    }

    public (float[] Y, float[] LogSumExp) Forward(IKernels kernels)
    {
        kernels.Attention(Layout, Queries, Keys, Keys, Intervals, Chain, Y, LogSumExp, Sinks);
        return (Y.ToArray(), LogSumExp.ToArray());
    }

    /// <summary>dq, dkv, then each chain gradient; after a forward pass of the same kernels.</summary>
    public float[][] Backward(IKernels kernels, Tensor dy)
    {
        Tensor dq = Own(Tensor.Allocate(Queries.Shape)), dk = Own(Tensor.Allocate(Keys.Shape));
        var dchain = Chain.Select(link => Own(Tensor.Allocate(link.KeysAndValues.Shape))).ToArray();
        kernels.AttentionBackward(Layout, dy, Queries, Keys, Keys, Intervals, Chain, Y, LogSumExp, dq, dk, dk, dchain);
        return [dq.ToArray(), dk.ToArray(), .. dchain.Select(g => g.ToArray())];
    }

    public void Dispose()
    {
        foreach (var tensor in owned) tensor.Dispose();
    }

    public static (int, int)[] Causal(int rows, int begin = 0, int window = int.MaxValue)
        => [.. Enumerable.Range(0, rows).Select(t => (Math.Max(begin, begin + t + 1 - Math.Min(window, t + 1)), begin + t + 1))];

    /// <summary>‖a − b‖² / ‖b‖².</summary>
    public static double Error(float[] a, float[] b)
    {
        double difference = 0, norm = 1e-30;
        Assert.Equal(b.Length, a.Length);
        for (var i = 0; i < a.Length; i++)
        {
            if (float.IsNegativeInfinity(b[i]) && float.IsNegativeInfinity(a[i])) continue;
            difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
            norm += (double)b[i] * b[i];
        }
        return difference / norm;
    }
}
