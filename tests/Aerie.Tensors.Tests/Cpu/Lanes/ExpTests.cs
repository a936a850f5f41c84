// exp and tanh over lanes against Math, from the smallest to the largest result, and at the edges.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Tests.Cpu.Lanes;

public sealed unsafe class ExpTests
{
    [Fact]
    public void Exp_is_within_two_units_in_every_width_and_all_widths_agree()
    {
        for (var x = -110f; x < 95; x += 0.00731f)
        {
            var got = One<F32x16>(x);
            var want = (float)Math.Exp(x);
            var unit = Math.Max(MathF.BitIncrement(want) - want, float.Epsilon);
            Assert.True(got == want || Math.Abs((double)got - Math.Exp(x)) <= 2 * unit, $"exp({x}) = {got}, not {want}");
            Assert.Equal(got, One<F32x8>(x));
            Assert.Equal(got, One<F32x4>(x));
            Assert.Equal(got, One<F32x1>(x));
        }
    }

    [Fact]
    public void Tanh_is_within_three_units_in_every_width_and_all_widths_agree()
    {
        var worst = 0.0;
        for (var i = 0; i < 40_000; i++)
        {
            var x = (i % 2 == 0 ? 1 : -1) * MathF.Pow(10, -6 + 8e-5f * 2.5f * i / 2);
            var got = OneTanh<F32x16>(x);
            var want = (float)Math.Tanh(x);
            worst = Math.Max(worst, Math.Abs((double)got - Math.Tanh(x)) / (MathF.BitIncrement(Math.Abs(want)) - Math.Abs(want)));
            Assert.Equal(got, OneTanh<F32x8>(x));
            Assert.Equal(got, OneTanh<F32x4>(x));
            Assert.Equal(got, OneTanh<F32x1>(x));
        }
        Assert.True(worst <= 3, $"{worst} units");
        foreach (var (x, want) in ((float, float)[])[(0, 0), (1e-30f, 1e-30f), (float.PositiveInfinity, 1), (float.NegativeInfinity, -1), (float.NaN, float.NaN)])
            Assert.Equal([want, want], [OneTanh<F32x16>(x), OneTanh<F32x1>(x)]);
    }

    [Fact]
    public void Edges()
    {
        Edge<F32x1>();
        Edge<F32x4>();
        Edge<F32x8>();
        Edge<F32x16>();

        static void Edge<V>() where V : unmanaged, ILanes<V>
        {
            Assert.Equal(1, One<V>(0));
            Assert.Equal(0, One<V>(float.NegativeInfinity));
            Assert.Equal(float.PositiveInfinity, One<V>(float.PositiveInfinity));
            Assert.Equal(float.PositiveInfinity, One<V>(89));
            Assert.True(float.IsNaN(One<V>(float.NaN)));
        }
    }

    static float OneTanh<V>(float x) where V : unmanaged, ILanes<V>
    {
        var values = stackalloc float[16];
        Lane.Tanh(V.All(x)).Store(values);
        return values[0];
    }

    static float One<V>(float x) where V : unmanaged, ILanes<V>
    {
        var values = stackalloc float[16];
        Lane.Exp(V.All(x)).Store(values);
        return values[0];
    }
}
