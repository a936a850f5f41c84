using Aerie.Parity;

namespace Aerie.Tests.Targets;

public class LlamaTests
{
    public static TheoryData<string> Cases => Golden.Cases("models");

    [Theory, MemberData(nameof(Cases))]
    public void Every_layer_logit_and_greedy_token_is_that_of_transformers(string name)
    {
        var report = ParityRun.Run(Golden.Path("models", name));
        Assert.True(report.Outcome == ParityOutcome.Within, $"{report.Message} {string.Join("; ", report.Results.Where(r => !r.Within))}");
    }
}
