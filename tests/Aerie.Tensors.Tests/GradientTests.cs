// Backward of every op through the tape, on both backends, against central differences of the plain forward in small steps.
namespace Aerie.Tensors.Tests;

/// <summary>A loss of some activations and some parameters, of any shapes.</summary>
sealed record GradientCase(string Name, Shape[] Inputs, Shape[] Parameters, Func<Tape, Tensor[], Parameter[], double> Loss)
{
    static readonly int[] Rows = [3, 0, 3, 5, 1, 1];

    /// <summary>A random linear functional of the output, so that every element has a gradient of its own.</summary>
    static double Weighted(Tape tape, Tensor y)
    {
        using var c = OpCase.Normal(99, y.Rows, y.Cols);
        double sum = 0;
        for (var i = 0; i < y.Count; i++) sum += (double)y.F32[i] * c.F32[i];
        if (tape.Recording) tape.AddGradient(y, c);
        return sum;
    }

    static Shape[] Mlp => [new(6), new(10, 6), new(10), new(6, 5), new(6)];

    public static readonly GradientCase[] All =
    [
        new("Add", [new(3, 5), new(3, 5)], [], (t, x, p) => Weighted(t, t.Add(t.Add(x[0], x[1]), x[0]))),
        new("GatherRows", [new(6, 5)], [], (t, x, p) => Weighted(t, t.GatherRows(x[0], t.New(Rows)))),
        new("AddGathered", [new(6, 5), new(6, 5)], [], (t, x, p) => Weighted(t, t.AddGathered(t.Add(x[0], x[0]), x[1], t.New(Rows)))),
        new("Embedding", [], [new(6, 5)], (t, x, p) => Weighted(t, t.Embedding(p[0], t.New(Rows)))),
        new("Linear", [new(4, 6)], [new(7, 6), new(7)], (t, x, p) => Weighted(t, t.Linear(x[0], p[0], p[1]))),
        new("Linear of columns", [new(4, 3)], [new(7, 6)], (t, x, p) => Weighted(t, t.Add(t.Linear(x[0], p[0].Columns(0, 3)), t.Linear(x[0], p[0].Columns(3, 3))))),
        new("LinearAdd", [new(4, 7), new(4, 6)], [new(7, 6), new(7)], (t, x, p) => Weighted(t, t.LinearAdd(x[0], x[1], p[0], p[1]))),
        new("RmsNorm", [new(4, 6)], [new(6)], (t, x, p) => Weighted(t, t.Add(t.RmsNorm(x[0], p[0], 1e-5f), x[0]))),
        new("NormLinear", [new(4, 3)], [new(3), new(7, 6), new(7)], (t, x, p) => Weighted(t, t.NormLinear(t.Add(x[0], x[0]), p[0], 1e-5f, p[1].Columns(2, 3), p[2]))),
        new("GatedMlp", [new(4, 6)], Mlp, (t, x, p) => Weighted(t, t.Add(t.GatedMlp(x[0], p[0], 1e-5f, p[1], p[2], p[3], p[4]), x[0]))),
        new("GatedMlp computed again", [new(4, 6)], Mlp, (t, x, p) => Weighted(t, t.GatedMlp(t.Add(x[0], x[0]), p[0], 1e-5f, p[1], p[2], p[3], p[4], recompute: true))),
        new("Discard", [new(4, 6)], [new(6)], (t, x, p) =>
        {
            var y = t.RmsNorm(x[0], p[0], 1e-5f);
            var loss = Weighted(t, y);
            t.Discard(y);
            return loss;
        }),
        new("SwiGlu", [new(4, 10)], [], (t, x, p) => Weighted(t, t.SwiGlu(x[0]))),
        new("Rope", [new(6, 20)], [], (t, x, p) =>
        {
            using var table = new RotaryTable(RotaryTable.Default(8, 100));
            var y = t.Rope(t.Add(x[0], x[0]), 2, 2, table, t.New(Rows));
            var loss = Weighted(t, y);
            if (t.Recording) t.Backward();              // the table lives no longer than this
            return loss;
        }),
        new("Attention", [new(5, 32)], [], (t, x, p) => Weighted(t,
            t.Attention(HeadLayout.Fused(4, 2, 4), x[0], x[0], Intervals(t, 5)))),
        new("Attention with a chain", [new(5, 32), new(3, 32)], [], (t, x, p) => Weighted(t,
            t.Attention(HeadLayout.Fused(4, 2, 4), x[1], x[0], Intervals(t, 3), new ChainKeys(x[1], t.New([0, 1, 2]))))),
        new("LinearCrossEntropy", [new(5, 6)], [new(9, 6)], (t, x, p) =>
            t.LinearCrossEntropy(x[0], p[0], t.New([3, -1, 0, 8, 3]), t.New([0.5f, 1, 2, 0.1f, 1], new Shape(5)), chunkRows: 2).Loss),
        new("LinearSoftCrossEntropy", [new(5, 6)], [new(9, 6)], (t, x, p) => Soft(t, x[0], p[0], SoftLoss.Plain)),
        new("LinearSoftCrossEntropy with LK factors", [new(5, 6)], [new(9, 6)], (t, x, p) => Soft(t, x[0], p[0], new(0.5f, 0.7f, 0.9f))),
    ];

    static Tensor Intervals(Tape tape, int rows) => tape.New([.. Enumerable.Range(0, rows).SelectMany(r => new[] { r == 4 ? 2 : 0, r + 1 })]).Reshape(new Shape(rows, 2));

    static double Soft(Tape t, Tensor h, Parameter head, SoftLoss loss)
    {
        const float Weight = 0.3f;
        using var logits = OpCase.Normal(50, 3, 9, DType.F32, 2);
        using var ids = Tensor.From([.. Enumerable.Range(0, 9)]);
        Tensor probs = t.New(3, 9), mass = t.New([0.9f, 0.4f, 1], new Shape(3)), unused = t.New(new Shape(3), DType.I32);
        Kernels.Reference.SelectedSoftmax(logits, ids, probs, unused, null);
        var rows = t.LinearSoftCrossEntropy(h, head, probs, t.New([0, 2, 1, 1, 0]), mass, loss, Weight, chunkRows: 2);
        double sum = 0;
        for (var r = 0; r < h.Rows; r++)
            sum += loss.CrossEntropy * rows.CrossEntropy.F32[r] - loss.MinusLogAcceptance * Math.Log(rows.Acceptance.F32[r])
                + loss.OneMinusAcceptance * (1.0 - rows.Acceptance.F32[r]);
        return Weight * sum;
    }
}

public sealed class GradientTests
{
    public static IEnumerable<object[]> Names() => GradientCase.All.Select(c => new object[] { c.Name });

    [Theory]
    [MemberData(nameof(Names))]
    public void Backward_equals_differences_of_forward(string name)
    {
        var c = GradientCase.All.First(c => c.Name == name);
        var values = c.Inputs.Concat(c.Parameters).Select((s, i) => OpCase.Normal((uint)i + 1, s.Rows, s.Cols).ToArray()).ToArray();
        var expected = values.Select((v, i) => v.Select((_, j) => Difference(c, values, i, j)).ToArray()).ToArray();
        foreach (var kernels in (IKernels[])[Kernels.Reference, Kernels.Cpu])
        {
            var (_, gradients) = Run(c, kernels, values, true);
            for (var i = 0; i < values.Length; i++) OpTests.AssertClose(expected[i], gradients[i], $"{kernels.Name}, gradient {i}", 2e-6);
        }
    }

    static float Difference(GradientCase c, float[][] values, int i, int j)
    {
        const float H = 4e-3f;
        var middle = values[i][j];
        values[i][j] = middle + H;
        var (up, above) = (values[i][j], Run(c, Kernels.Reference, values, false).Loss);
        values[i][j] = middle - H;
        var (down, below) = (values[i][j], Run(c, Kernels.Reference, values, false).Loss);
        values[i][j] = middle;
        return (float)((above - below) / ((double)up - down));
    }

    static (double Loss, float[][] Gradients) Run(GradientCase c, IKernels kernels, float[][] values, bool record)
    {
        using var tape = new Tape(kernels, new Arena(1 << 16), record);
        var x = c.Inputs.Select((s, i) => tape.New(values[i], s)).ToArray();
        foreach (var input in x) input.NeedsGradient = record;
        var p = c.Parameters.Select((s, i) => new Parameter($"p{i}", Tensor.From(values[x.Length + i], s), record)).ToArray();
        var loss = c.Loss(tape, x, p);
        if (!record) return (loss, []);
        tape.Backward();
        float[][] gradients = [.. x.Select(t => Tape.GradientOf(t).ToArray()), .. p.Select(w => w.Gradient!.ToArray())];
        foreach (var w in p) w.Dispose();
        tape.Arena.Dispose();
        return (loss, gradients);
    }
}
