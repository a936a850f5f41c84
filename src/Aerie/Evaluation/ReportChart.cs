// report.svg: two small bar charts, tau by domain and acceptance by position. Drawn by hand; readable on light and dark pages.
using System.Globalization;
using System.Security;
using System.Text;

namespace Aerie.Evaluation;

/// <summary>Draws a report as SVG.</summary>
public static class ReportChart
{
    const int Width = 760, Left = 170, BarHeight = 16, Row = 24, Bars = 400;
    const string Colour = "#2a78b8";

    /// <summary>The SVG document.</summary>
    public static string Draw(EvaluationReport report)
    {
        var rows = report.Domains.Append(report.Overall).ToList();
        var positions = report.Overall.AcceptedAt.Count;
        var height = 110 + (rows.Count + positions) * Row + 60;
        var svg = new StringBuilder();
        Line($"""<svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" font-family="system-ui, sans-serif" font-size="13" fill="#777">""");
        Line($"""<title>{Escape(report.Title)}</title>""");
        Line($"""<text x="12" y="28" font-size="18" font-weight="600">{Escape(report.Title)}</text>""");
        Line($"""<text x="12" y="50">tau {report.Overall.Tau:0.00}, {report.SpeedUp:0.00} times as fast as plain decoding, {report.AnswersEqual} of {report.AnswersCompared} answers equal</text>""");
        var y = 84;
        Line($"""<text x="12" y="{y}" font-weight="600">Acceptance length (tau) by domain, {report.DraftTokens} draft tokens</text>""");
        var longest = Math.Max(report.DraftTokens + 1, rows.Max(r => r.Tau));
        foreach (var row in rows) Bar(row.Name, row.Tau / longest, row.Tau.ToString("0.00", CultureInfo.InvariantCulture));
        y += 40;
        Line($"""<text x="12" y="{y}" font-weight="600">How often the i-th draft token was accepted</text>""");
        for (var i = 0; i < positions; i++) Bar($"token {i + 1}", report.Overall.RateAt(i), report.Overall.RateAt(i).ToString("0%", CultureInfo.InvariantCulture));
        svg.Append("</svg>\n");
        return svg.ToString();

        void Bar(string name, double share, string figure)
        {
            y += Row;
            var length = Math.Clamp(share, 0, 1) * Bars;
            Line($"""<text x="{Left - 8}" y="{y}" text-anchor="end">{Escape(name)}</text>""");
            Line($"""<rect x="{Left}" y="{y - 13}" width="{length:0.#}" height="{BarHeight}" rx="2" fill="{Colour}"/>""");
            Line($"""<text x="{Left + length + 6:0.#}" y="{y}">{figure}</text>""");
        }

        void Line(FormattableString line) => svg.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    static string Escape(string text) => SecurityElement.Escape(text.Length <= 60 ? text : text[..59] + "…");
}
