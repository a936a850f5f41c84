// Every kernel in every lane width against the definition in plain loops; the same bits for any number of threads and for rows alone or together.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests;

[Collection("engine settings")]
public sealed class OpTests : IDisposable
{
    readonly int before = Threads.Count;

    public void Dispose() => Threads.Count = before;

    public static IEnumerable<object[]> Names() => OpCase.All().Select(c => new object[] { c.Name });

    static OpCase Find(string name) => OpCase.All().First(c => c.Name == name);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_width_equals_the_definition(string name)
    {
        var op = Find(name);
        var expected = op.Run(Kernels.Reference, 0, op.Rows);
        foreach (var lanes in (int[])[1, 4, 8, 16])
            foreach (var (actual, want) in op.Run(CpuKernels.Create(lanes), 0, op.Rows).Zip(expected))
                AssertClose(want.Values, actual.Values, $"{lanes} lanes, {want.Name}", name.Contains("BF16", StringComparison.Ordinal) ? 1e-6 : 1e-10);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Threads_and_row_counts_change_no_bit(string name)
    {
        var op = Find(name);
        var kernels = Kernels.Cpu;
        Threads.Count = 1;
        var expected = op.Run(kernels, 0, op.Rows);
        foreach (var threads in (int[])[2, 3])
        {
            Threads.Count = threads;
            foreach (var (actual, want) in op.Run(kernels, 0, op.Rows).Zip(expected)) Assert.Equal(want.Values, actual.Values);
        }
        Threads.Count = 1;
        var alone = Enumerable.Range(0, op.Rows).Select(r => op.Run(kernels, r, 1)).ToArray();
        for (var i = 0; op.Rows > 0 && i < expected.Length; i++)
            if (expected[i].Rows) Assert.Equal(expected[i].Values, alone.SelectMany(o => o[i].Values).ToArray());
    }

    /// <summary>Σ (a − b)² / Σ b².</summary>
    internal static void AssertClose(float[] expected, float[] actual, string what, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double error = 0, size = 1e-30;
        for (var i = 0; i < expected.Length; i++)
        {
            error += Math.Pow(expected[i] - actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }
        Assert.True(error <= tolerance * size, $"{what}: normalised error {error / size:E2} above {tolerance:E0}");
    }
}
