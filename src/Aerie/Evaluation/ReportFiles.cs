// report.md, report.svg and report.json of an evaluation, each written whole or not at all.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Evaluation;

/// <summary>Writes a report for people and for programs.</summary>
public static class ReportFiles
{
    /// <summary>Writes report.md, report.svg and report.json into a folder, which is created.</summary>
    /// <returns>The report with these files added to its list.</returns>
    public static EvaluationReport Write(EvaluationReport report, string folder)
    {
        Directory.CreateDirectory(folder);
        var (md, svg, json) = (Path.Combine(folder, "report.md"), Path.Combine(folder, "report.svg"), Path.Combine(folder, "report.json"));
        report = report with { Files = [.. report.Files, new("report", md), new("chart", svg), new("report for programs", json)] };
        WholeFile.Write(svg, ReportChart.Draw(report));
        WholeFile.Write(md, Markdown(report));
        WholeFile.Write(json, stream =>
        {
            using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            report.Write(writer);
        });
        return report;
    }

    /// <summary>The report as Markdown.</summary>
    public static string Markdown(EvaluationReport report)
    {
        var text = new StringBuilder();
        Line($"# {report.Title}\n");
        Line($"**tau {report.Overall.Tau:0.00}** with {report.DraftTokens} draft tokens: every pass of the target emits that many tokens on average.  ");
        Line($"**{report.SpeedUp:0.00} times as fast**: {report.SpeculativeTokensPerSecond:0} tokens/s against {report.PlainTokensPerSecond:0} plain, timed interleaved in the same run.  ");
        Line($"**{report.AnswersEqual} of {report.AnswersCompared} answers equal**, compared token by token with plain decoding.\n");
        Line($"![acceptance](report.svg)\n");
        Line($"| domain | answers | tokens | tau |{string.Concat(Enumerable.Range(1, report.Overall.AcceptedAt.Count).Select(i => $" token {i} |"))}");
        Line($"|---|--:|--:|--:|{string.Concat(Enumerable.Repeat("--:|", report.Overall.AcceptedAt.Count))}");
        foreach (var row in report.Domains.Append(report.Overall))
            Line($"| {row.Name} | {row.Answers} | {row.Tokens} | {row.Tau:0.00} |{string.Concat(row.AcceptedAt.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $" {row.RateAt(i):0%} |")))}");
        Line($"\n`token i`: how often the i-th draft token was accepted.\n");
        foreach (var (name, value) in report.Figures) Line($"- {name}: {value}");
        Line($"- target: {report.Target}\n- drafter: {report.Drafter}");
        foreach (var file in report.Files) Line($"- {file.What}: {file.Path}");
        if (report.NextSteps.Count > 0) Line($"\n## What to do next\n");
        foreach (var step in report.NextSteps) Line($"- {step}");
        return text.ToString();

        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
