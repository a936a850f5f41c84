// Learning rates against the schedulers of NeMo AutoModel, SpecForge and speculators as they run.
using Aerie.Parity;
using Aerie.Tensors;

namespace Aerie.Tests.Training;

public sealed class LearningRateScheduleTests
{
    public static TheoryData<string> Cases => Golden.Cases("lr_schedule");

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_golden_case_gives_the_same_rates(string name)
    {
        var report = ParityRun.Run(Golden.Path("lr_schedule", name));
        Assert.True(report.Outcome == ParityOutcome.Within, $"{report.Message} {string.Join("\n", report.Results.Where(r => !r.Within))}");
        Assert.NotEmpty(report.Results);
    }

    [Fact]
    public void Settings_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentException>(() => LearningRateSchedule.SpecForgeConstant(1e-4, 7, 1));
        Assert.Throws<ArgumentException>(() => LearningRateSchedule.SpecForgeCosine(1e-4, 7, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.AutoModel(1e-4, 0, 0.1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.AutoModel(double.NaN, 10, 0.1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.AutoModel(1e-4, 10, -0.1, 0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.AutoModel(1e-4, 10, double.NaN, 0.1));
    }
}
