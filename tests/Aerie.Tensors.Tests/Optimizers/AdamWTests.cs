// AdamW against its formula in float64, over ten updates with clipping; what it leaves behind.
namespace Aerie.Tensors.Tests.Optimizers;

public sealed class AdamWTests
{
    [Fact]
    public void Ten_updates_follow_the_formula()
    {
        const int N = 37;
        using var p = new Parameter("p", OpCase.Normal(1, 1, N), true);
        using var frozen = new Parameter("frozen", OpCase.Normal(1, 1, N));
        var settings = new AdamWSettings(0.9, 0.95, 1e-8, 0.1);
        using var adam = new AdamW(Kernels.Cpu, [p, frozen], settings);
        var value = p.Value.ToArray().Select(v => (double)v).ToArray();
        var (m, v) = (new double[N], new double[N]);
        for (var step = 1; step <= 10; step++)
        {
            using var g = OpCase.Normal((uint)step + 5, 1, N);
            p.Gradient!.CopyFrom(g);
            const double Scale = 0.5, Rate = 1e-2, MaxNorm = 1.5;
            var norm = adam.GradientNorm(Scale);
            var gradient = g.ToArray().Select(x => x * Scale).ToArray();
            Assert.Equal(Math.Sqrt(gradient.Sum(x => x * x)), norm, 1e-9);
            adam.Update(Rate, norm, Scale, MaxNorm);
            for (var i = 0; i < N; i++)
            {
                var d = gradient[i] * Math.Min(1, MaxNorm / (norm + 1e-6));
                m[i] = settings.Beta1 * m[i] + (1 - settings.Beta1) * d;
                v[i] = settings.Beta2 * v[i] + (1 - settings.Beta2) * d * d;
                var (first, second) = (m[i] / (1 - Math.Pow(settings.Beta1, step)), v[i] / (1 - Math.Pow(settings.Beta2, step)));
                value[i] = value[i] * (1 - Rate * settings.WeightDecay) - Rate * first / (Math.Sqrt(second) + settings.Epsilon);
            }
        }
        for (var i = 0; i < N; i++) Assert.Equal(value[i], p.Value.ToArray()[i], 1e-6);
        Assert.Equal(10, adam.Step);
        Assert.Equal(10, p.Version);
        Assert.Single(adam.Parameters);
        Assert.All(p.Gradient!.ToArray(), x => Assert.Equal(0, x));
    }

    [Fact]
    public void A_gradient_that_is_not_finite_is_found_and_a_large_one_is_not_confused_with_it()
    {
        using var a = new Parameter("a", OpCase.Normal(1, 1, 9), true);
        using var b = new Parameter("b", OpCase.Normal(1, 1, 9), true);
        using var adam = new AdamW(Kernels.Cpu, [a, b], new AdamWSettings());
        a.Gradient!.CopyFrom([1e30f, 0, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Null(adam.FirstNonFinite());
        Assert.Equal(1e30, adam.GradientNorm(1), 1e24);
        b.Gradient!.CopyFrom([0, 0, 0, 0, 0, 0, 0, 0, float.NaN]);
        Assert.Same(b, adam.FirstNonFinite());
        adam.ClearGradients();
        Assert.Equal(0, adam.GradientNorm(1));
    }
}
