using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Tests.Training;

/// <summary>The trainer (compacted, shared, fused) against the plain definition, on random networks, shapes, masks and documents; gradients against differences of the definition's loss.</summary>
public sealed class EquivalenceTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_fast_step_is_the_plain_definition(int seed)
    {
        using var tiny = new TinyRun(seed);
        var draft = tiny.Coin(0.7) ? 16 : 24;
        var config = TinyRun.Config(24, draft) with
        {
            TargetHiddenSize = tiny.Coin() ? 8 : 6,
            Heads = tiny.Coin() ? 2 : 4,
            KeyValueHeads = tiny.Coin() ? 1 : 2,
            HeadSize = tiny.Coin() ? 4 : 6,
            NormOutput = tiny.Coin(0.3),
            NormBeforeResidual = tiny.Coin(0.3),
            SlidingWindow = tiny.Coin(0.25) ? 1 + tiny.Below(6) : null,
        };
        config = tiny.Below(4) switch { 0 => config with { FcNorm = true }, 1 => config with { NormBeforeFc = true }, _ => config };
        if (!config.NormOutput && tiny.Coin(0.2)) config = config with { NormedLogits = false };
        var trainEmbeddings = tiny.Coin(0.3);
        var drafter = tiny.Drafter(config, new(true, trainEmbeddings), biases: tiny.Coin(0.3));
        var settings = new Eagle3Settings
        {
            TttSteps = 1 + tiny.Below(5),
            Mask = (MaskSemantics)tiny.Below(3),
            Normalization = (LossNormalization)tiny.Below(2),
            Lk = (LkLoss)tiny.Below(3),
            LkScale = 0.9,
            Slack = tiny.Coin() ? 0.01 : tiny.Coin() ? 0.3 : 1,
        };
        var frame = settings.Mask != MaskSemantics.SpecForge && tiny.Coin(0.3) ? Eagle3Frame.Trainer : Eagle3Frame.Document;
        var batch = tiny.Batch(config, 1 + tiny.Below(3), 2 + tiny.Below(14), frame, packed: tiny.Coin(), teacher: tiny.Below(3));

        var weights = PlainEagle3.WeightsOf(drafter);
        PlainEagle3.Result Plain() => new PlainEagle3(config, drafter.Vocabulary, weights, settings).Run(batch);
        var want = Plain();
        foreach (var kernels in new[] { Kernels.Reference, Kernels.Cpu })
        {
            using var trainer = new Eagle3Trainer(drafter, settings, kernels);
            foreach (var parameter in drafter.Parameters) parameter.Gradient?.Clear();
            var silent = trainer.Evaluate(batch);
            Assert.All(drafter.Parameters.Where(p => p.Trainable), p => Assert.All(p.Gradient!.ToArray(), g => Assert.Equal(0, g)));
            var got = trainer.Step(batch);
            Assert.Equal(got.Loss, silent.Loss);
            Assert.Equal(want.Valid, got.StepValid);
            Assert.Equal(want.Counted, got.StepCounted);
            Assert.Equal(want.Correct, got.StepCorrect);
            Assert.Equal(want.PrefixHits, got.PrefixHits);
            Assert.Equal(want.PrefixValid, got.PrefixValid);
            for (var k = 0; k < settings.TttSteps; k++)
            {
                Assert.Equal(want.StepLoss[k], got.StepLosses[k], 1e-4);
                Assert.Equal(want.Acceptance[k], got.Acceptance[k], 1e-5);
            }
            Assert.Equal(want.Loss, got.Loss, 1e-4);
        }

        // d loss along a random direction of all trained tensors together.
        double along = 0;
        var direction = new List<(double[] Values, double[] Step)>();
        foreach (var part in drafter.Parts.Where(p => p.Parameter.Trainable))
        {
            var step = Array.ConvertAll(weights[part.Name], _ => tiny.Gauss());
            direction.Add((weights[part.Name], step));
            along += part.Of(part.Parameter.Gradient!).ToArray().Zip(step, (g, s) => g * s).Sum();
        }
        const double Epsilon = 1e-6;
        double LossAt(double move)
        {
            foreach (var (values, step) in direction)
                for (var i = 0; i < values.Length; i++) values[i] += move * step[i];
            return Plain().Loss;
        }
        var up = LossAt(Epsilon);
        var down = LossAt(-2 * Epsilon);
        if (settings.Lk == LkLoss.Lambda) return;               // its weight w has no gradient, so the loss's differences are not the gradient
        Assert.Equal((up - down) / (2 * Epsilon), along, 2e-3 * (1 + Math.Abs(along)));
    }
}
