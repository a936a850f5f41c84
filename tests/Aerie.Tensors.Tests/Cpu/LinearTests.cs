// Packed copies of weights: made once, renewed with the value, not made for large weights in training; never a different bit.
namespace Aerie.Tensors.Tests.Cpu;

[Collection("engine settings")]     // for the count of native bytes
public sealed class LinearTests
{
    [Fact]
    public void A_changed_weight_is_packed_anew()
    {
        using var w = new Parameter("w", OpCase.Normal(1, 9, 7), true);
        using var x = OpCase.Normal(2, 3, 7);
        using var y = Tensor.Allocate(new Shape(3, 9));
        Kernels.Cpu.Linear(x, w, null, y, false);
        w.Value.Clear();
        w.MarkChanged();
        Kernels.Cpu.Linear(x, w, null, y, false);
        Assert.All(y.ToArray(), v => Assert.Equal(0, v));
    }

    [Theory]
    [InlineData(Precision.F32), InlineData(Precision.BF16)]
    public void A_large_weight_in_training_keeps_no_copy_and_gives_the_same_bits(Precision precision)
    {
        using var value = OpCase.Normal(1, 2100, 2009);
        using var frozen = new Parameter("frozen", Tensor.From(value.F32, value.Shape), false, precision);
        var before = NativeBytes.Current;
        using var trained = new Parameter("trained", Tensor.From(value.F32, value.Shape), true, precision);
        using var x = OpCase.Normal(2, 256, 2000);
        using var dy = OpCase.Normal(3, 256, 2100);
        var expected = Run(frozen);
        var kept = NativeBytes.Current - before - 2 * value.Bytes;
        Assert.InRange(kept, value.Bytes / 2, 3 * value.Bytes);     // the frozen weight's two packed copies
        var actual = Run(trained);
        Assert.Equal(expected.Y, actual.Y);
        Assert.Equal(expected.Dx, actual.Dx);
        Assert.Equal(kept, NativeBytes.Current - before - 2 * value.Bytes);

        (float[] Y, float[] Dx) Run(Parameter w)
        {
            using var y = Tensor.Allocate(new Shape(256, 2100));
            using var dx = Tensor.Allocate(new Shape(256, 2000));
            Kernels.Cpu.Linear(x, w.Columns(7, 2000), null, y, false);
            Kernels.Cpu.LinearBackwardInput(dy, w.Columns(7, 2000), dx, false);
            return (y.ToArray(), dx.ToArray());
        }
    }

    [Fact]
    public void A_wide_weight_in_training_gives_the_gradient_of_a_frozen_one_but_for_rounding()
    {
        using var value = OpCase.Normal(1, 4200, 1009);
        using var frozen = new Parameter("frozen", Tensor.From(value.F32, value.Shape));
        using var trained = new Parameter("trained", Tensor.From(value.F32, value.Shape), true);
        using var dy = OpCase.Normal(3, 256, 4200);
        using var expected = OpCase.Normal(4, 256, 1000);
        using var actual = OpCase.Normal(4, 256, 1000);
        Kernels.Cpu.LinearBackwardInput(dy, frozen.Columns(9, 1000), expected, true);
        Kernels.Cpu.LinearBackwardInput(dy, trained.Columns(9, 1000), actual, true);
        OpTests.AssertClose(expected.ToArray(), actual.ToArray(), "dx", 1e-10);
    }
}
