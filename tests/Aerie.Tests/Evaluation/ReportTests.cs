using System.Text.Json;
using System.Xml.Linq;
using Aerie.Evaluation;

namespace Aerie.Tests.Evaluation;

public sealed class ReportTests
{
    static readonly EvaluationReport Report = new()
    {
        Title = "a <drafter> & its target",
        Target = "t",
        Drafter = "d",
        DraftTokens = 2,
        Domains = [new("sums", 3, 100, 40, [30, 20]), new("code", 2, 50, 10, [5, 1])],
        PlainTokensPerSecond = 100,
        SpeculativeTokensPerSecond = 180,
        AnswersCompared = 5,
        AnswersEqual = 5,
        NextSteps = ["aerie export d"],
    };

    [Fact]
    public void Tau_is_one_plus_accepted_per_pass()
    {
        Assert.Equal(1 + 50 / 40.0, Report.Domains[0].Tau);
        Assert.Equal(1 + 56 / 50.0, Report.Overall.Tau);
        Assert.Equal(35 / 50.0, Report.Overall.RateAt(0));
        Assert.Equal((5, 150L, 1.8), (Report.Overall.Answers, Report.Overall.Tokens, Report.SpeedUp));
        Assert.Equal(1, Acceptance.Sum("none", []).Tau);
    }

    [Fact]
    public void All_three_files_are_written_and_well_formed()
    {
        using var folder = Golden.Temporary();
        var written = ReportFiles.Write(Report, folder.File("reports"));
        Assert.Equal(3, written.Files.Count);
        Assert.All(written.Files, f => Assert.True(File.Exists(f.Path)));
        Assert.Equal("svg", XDocument.Load(written.Files[1].Path).Root!.Name.LocalName);
        var json = JsonDocument.Parse(File.ReadAllText(written.Files[2].Path)).RootElement;
        Assert.Equal(2.12, json.GetProperty("tau").GetDouble());
        Assert.Equal("code", json.GetProperty("domains")[1].GetProperty("name").GetString());
        Assert.Contains("| overall | 5 | 150 | 2.12 | 70% | 42% |", File.ReadAllText(written.Files[0].Path), StringComparison.Ordinal);
    }
}
