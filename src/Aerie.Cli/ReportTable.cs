// An evaluation as people read it in a terminal.
using System.Globalization;
using Aerie.Evaluation;
using Spectre.Console;

namespace Aerie.Cli;

static class ReportTable
{
    public static void Show(Screen screen, EvaluationReport report)
    {
        if (screen.Json)
        {
            screen.Write(report.Write);
            return;
        }
        var positions = report.Overall.AcceptedAt.Count;
        var table = Screen.Table(["domain", "answers", "tau", .. Enumerable.Range(1, positions).Select(i => $"token {i}")]);
        for (var i = 1; i < table.Columns.Count; i++) table.Columns[i].RightAligned();
        foreach (var row in report.Domains.Append(report.Overall))
        {
            if (row.Name == "overall") table.AddEmptyRow();
            table.AddRow([Markup.Escape(row.Name), Text($"{row.Answers}"), Text($"{row.Tau:0.00}"), .. row.AcceptedAt.Select((_, i) => Text($"{row.RateAt(i):0%}"))]);
        }
        screen.Line();
        screen.Line(report.Title);
        screen.Show(table);
        screen.Line(Text($"acceptance length    {report.Overall.Tau:0.00} tokens per pass of the target, {report.DraftTokens} draft tokens; `token i`: how often the i-th was accepted"));
        screen.Line(Text($"speed                {report.SpeculativeTokensPerSecond:0} tokens/s against {report.PlainTokensPerSecond:0} plain: {report.SpeedUp:0.00} times as fast"));
        screen.Line(Text($"equality             {report.AnswersEqual} of {report.AnswersCompared} answers equal to plain decoding, token by token"));
        foreach (var (name, value) in report.Figures) screen.Line($"{name,-20} {value}");
        foreach (var file in report.Files) screen.Line($"{file.What,-20} {file.Path}");
        if (report.NextSteps.Count > 0) screen.Line("\nWhat to do next");
        foreach (var step in report.NextSteps) screen.Line($"  {step}");
    }

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
