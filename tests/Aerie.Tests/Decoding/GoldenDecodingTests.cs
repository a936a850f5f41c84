using Aerie.Parity;

namespace Aerie.Tests.Decoding;

public class GoldenDecodingTests
{
    static readonly string[] NotYet = ["greedy_eagle1"];

    public static TheoryData<string> Runs => Golden.Cases("decoding");

    public static TheoryData<string> Forwards => Golden.Cases("drafters");

    [Theory, MemberData(nameof(Runs))]
    public void Every_round_of_every_chain_is_the_recorded_one(string name) => IsWithin("decoding", name);

    [Theory, MemberData(nameof(Forwards))]
    public void A_drafter_computes_what_servers_compute(string name) => IsWithin("drafters", name);

    static void IsWithin(string group, string name)
    {
        var report = ParityRun.Run(Golden.Path(group, name));
        var expected = NotYet.Contains(name) ? ParityOutcome.NotSupported : ParityOutcome.Within;
        Assert.True(report.Outcome == expected, $"{report.Outcome}: {report.Message} {string.Join("; ", report.Results.Where(r => !r.Within))}");
        if (expected == ParityOutcome.NotSupported) Assert.Contains("does not support", report.Message, StringComparison.Ordinal);
    }
}
