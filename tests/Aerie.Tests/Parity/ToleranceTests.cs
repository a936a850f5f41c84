using Aerie.Parity;

namespace Aerie.Tests.Parity;

public sealed class ToleranceTests
{
    [Theory]
    [InlineData("logits.*", "logits.0", true)]
    [InlineData("logits.*", "logits", false)]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "aXbYbZc", true)]
    [InlineData("a*b*c", "aXbYb", false)]
    [InlineData("grad.*.weight", "grad.layers.0.weight", true)]
    [InlineData("loss", "step_loss", false)]
    public void A_star_stands_for_any_text(string pattern, string name, bool matches) => Assert.Equal(matches, ToleranceRules.Matches(pattern, name));

    [Fact]
    public void The_exact_name_wins_then_the_longest_pattern_then_equality()
    {
        using var folder = new TemporaryCase("""{"kind":"x","tolerance":{"a.*":{"abs":1,"rel":0},"a.b*":{"abs":2,"rel":0},"a.b":{"abs":3,"rel":0}}}""");
        var read = new CaseFolder(folder.Path);
        Assert.Equal((3, 2, 1, 0), (read.ToleranceOf("a.b").Abs, read.ToleranceOf("a.bc").Abs, read.ToleranceOf("a.x").Abs, read.ToleranceOf("z").Abs));
    }

    [Fact]
    public void The_distance_may_be_abs_plus_rel_times_the_wanted_value()
    {
        using var folder = new TemporaryCase("""{"kind":"x","tolerance":{"y":{"abs":0.5,"rel":0.25}}}""");
        var read = new CaseFolder(folder.Path);
        Assert.True(read.Compare("y", [3.5f, float.NaN], [2f, float.NaN]) is { Within: false, LargestError: 1.5 });
        Assert.True(read.Compare("y", [3f], [2f]).Within);
        Assert.True(read.Compare("y", [2f], [2f]).Within);
        Assert.False(read.Compare("y", [float.NaN], [2f]).Within);
        Assert.False(read.Compare("z", [1.0000001f], [1f]).Within);
        Assert.False(read.Compare("y", [1L], [2L]).Within);
        Assert.False(read.Compare("y", [1f, 2f], [1f]).Within);
    }
}

sealed class TemporaryCase : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("aerie-case-").FullName;

    public TemporaryCase(string json) => File.WriteAllText(System.IO.Path.Combine(Path, "case.json"), json);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
