namespace Aerie.Cli.Tests;

public sealed class ProgressBarTests
{
    [Fact]
    public void Redirected_it_writes_plain_lines_without_control_characters()
    {
        var output = new StringWriter();
        using (var bar = new ProgressBar(output, redirected: true))
        {
            for (var i = 0; i <= 100; i++) bar.Report(new("train", i, 100, "loss 2.5"));
            bar.Report(new("evaluate", 1, 0));
        }
        var text = output.ToString();
        Assert.DoesNotContain('\r', text.ReplaceLineEndings("\n"));
        Assert.DoesNotContain('\e', text);
        Assert.Contains("loss 2.5", text, StringComparison.Ordinal);
        Assert.True(text.Split('\n').Length <= 6);
    }

    [Theory]
    [InlineData(8, "8 s")]
    [InlineData(185, "3:05")]
    [InlineData(3723, "1:02:03")]
    public void Durations_read_well(int seconds, string text) => Assert.Equal(text, ProgressBar.Time(TimeSpan.FromSeconds(seconds)));
}
