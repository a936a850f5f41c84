// The corpus of hostile files, set by set, as `aerie parity` judges it: verdicts, kinds of errors, and what each may cost. And that judge.
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Aerie.Parity;
using Aerie.Parity.Hostile;

namespace Aerie.Tests.Parity;

public sealed class HostileFileTests
{
    public static TheoryData<string> Sets => Golden.Cases("hostile");

    [Theory]
    [MemberData(nameof(Sets))]
    public void Hostile_files_are_judged_as_the_corpus_says(string set) => Golden.Check("hostile", set);

    [Theory]
    [InlineData("reject", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"}]}", "is read and must be refused")]
    [InlineData("accept", "{", "must be read")]
    [InlineData("reject", "{", null)]
    [InlineData("reject", "\n{", "without its line 1")]
    public void The_judge_sees_what_is_wrong(string expect, string content, string? what)
    {
        using var folder = Case("jsonl", new { file = "x.jsonl", expect, why = "w", line = 1, generate = new { parts = new[] { new { text = content } } } });
        var report = ParityRun.Run(folder.Path);
        Assert.Equal(what is null ? ParityOutcome.Within : ParityOutcome.Exceeded, report.Outcome);
        if (what is not null) Assert.Contains(what, report.Results.Single(r => !r.Within).Note, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_of_file_that_nobody_reads_is_named()
    {
        using var folder = Case("tea_leaves", new { file = "x", expect = "reject", why = "w" });
        var report = ParityRun.Run(folder.Path);
        Assert.Equal(ParityOutcome.NotSupported, report.Outcome);
        Assert.Contains("tea_leaves", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Costs_are_the_works_own()
    {
        var cost = HostileCost.Of(() => GC.KeepAlive(new byte[300 << 20]))!.Value;
        Assert.True(cost.Allocated >= 300 << 20 && cost.TooMuch is not null);
        Assert.IsType<InvalidOperationException>(HostileCost.Of(() => throw new InvalidOperationException())!.Value.Problem);
        Assert.Null(HostileCost.Of(() => Thread.Yield())!.Value.TooMuch);
    }

    [Fact]
    public void Described_files_are_written()
    {
        using var folder = Golden.Temporary();
        var path = folder.File("x");
        GeneratedFile.Write(JsonDocument.Parse("""{"parts":[{"text":"é"},{"base64":"AQI="},{"repeat":[{"text":"a"},{"repeat":[{"text":"b"}],"times":2}],"times":70000}],"gzip":true}""").RootElement, path);
        using var unzipped = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        unzipped.CopyTo(bytes);
        Assert.Equal([.. "é"u8, 1, 2, .. Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("abb", 70000)))], bytes.ToArray());
        Assert.Throws<AerieException>(() => GeneratedFile.Write(JsonDocument.Parse("""{"parts":[{"repeat":[{"text":"a"}],"times":9999999999}]}""").RootElement, folder.File("y")));
    }

    static TemporaryFolder Case(string subject, object item)
    {
        var folder = Golden.Temporary();
        File.WriteAllText(folder.File("case.json"), """{"kind":"hostile_file","parameters":{"subject":"SUBJECT","manifest":"manifest.jsonl","limits":{"seconds":5,"megabytes":256}}}""".Replace("SUBJECT", subject, StringComparison.Ordinal));
        File.WriteAllText(folder.File("manifest.jsonl"), JsonSerializer.Serialize(item) + "\n");
        return folder;
    }
}
