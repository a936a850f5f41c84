// The recorded life of the Python client's cache, lived again by ours: golden/hub, against a hub on loopback.
namespace Aerie.Tests.Hub;

public sealed class HubGoldenTests
{
    public static TheoryData<string> Cases => Golden.Cases("hub");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outcomes_cache_and_tokens_are_those_of_the_record(string name) => Golden.Check("hub", name);
}
