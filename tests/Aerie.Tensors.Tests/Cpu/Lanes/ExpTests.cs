// exp over lanes against Math.Exp, from the smallest to the largest result, and at the edges.
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

    static float One<V>(float x) where V : unmanaged, ILanes<V>
    {
        var values = stackalloc float[16];
        Lane.Exp(V.All(x)).Store(values);
        return values[0];
    }
}
