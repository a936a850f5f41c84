// `aerie parity CASE...`: recorded cases, computed by the program's normal code and compared.
using System.CommandLine;
using System.Text.Json;
using Aerie.Parity;

namespace Aerie.Cli.Verbs;

static class ParityVerb
{
    static readonly Argument<string[]> Cases = new("CASE")
    {
        Description = "Folders with a case.json, or folders of such folders.",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Command Create() => new Verb("parity",
        "Compute recorded golden cases and compare: the largest error per tensor beside its tolerance. Exit 0 all within, 1 a tolerance exceeded, 2 a case that cannot be read, 3 a kind or feature not supported.",
        "aerie parity tests/golden/lr_schedule")
    { Cases }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var reports = new List<ParityReport>();
        var paths = parsed.GetValue(Cases)!;
        foreach (var path in paths)
        {
            // What a shell's * finds beside the cases.
            if (paths.Length > 1 && File.Exists(path) && Path.GetFileName(path) != "case.json")
            {
                screen.Note($"{path}: not a case, left out");
                continue;
            }
            IReadOnlyList<string> folders;
            try
            {
                folders = ParityRun.Find(path);
            }
            catch (AerieException e)
            {
                Add(new ParityReport(path, "?", false, ParityOutcome.Unreadable, [], e.Message));
                continue;
            }
            foreach (var folder in folders)
            {
                cancellation.ThrowIfCancellationRequested();
                Add(ParityRun.Run(folder, cancellation));
            }
        }
        if (reports.Count == 0) throw new AerieException("there is no case among these.", "Give folders with a case.json.");
        var worst = reports.Max(r => r.Outcome);
        if (screen.Json) screen.Write(json => Write(json, reports, ParityReport.ExitCode(worst)));
        else screen.Line(Summary(reports));
        return ParityReport.ExitCode(worst);

        void Add(ParityReport report)
        {
            reports.Add(report);
            if (!screen.Json) Show(screen, report);
        }
    }

    static void Show(Screen screen, ParityReport report)
    {
        screen.Line($"{report.Path}  ({report.Kind}{(report.Advisory ? ", advisory" : "")})");
        var width = report.Results.Select(r => r.Name.Length).DefaultIfEmpty(0).Max();
        foreach (var r in report.Results)
        {
            var figure = r.Note is not null && r.Count == 0 ? r.Note : $"largest {r.Measure} {Number(r.LargestError),-9} {(r.Measure == "error" ? "tolerance" : "allowed")} {r.Tolerance}";
            screen.Line($"  {(r.Within ? "ok  " : report.Advisory ? "off " : "FAIL")} {r.Name.PadRight(width)}  {figure}{(r.Count > 0 && r.Note is not null ? $"  ({r.Note})" : "")}");
        }
        if (report.Message is not null) screen.Line($"  {Word(report.Outcome)}: {report.Message}");
    }

    static string Summary(List<ParityReport> reports)
    {
        var parts = reports.GroupBy(r => r.Outcome).OrderBy(g => g.Key).Select(g => $"{g.Count()} {Word(g.Key)}");
        return $"{reports.Count} case{(reports.Count == 1 ? "" : "s")}: {string.Join(", ", parts)}";
    }

    static string Word(ParityOutcome outcome) => outcome switch
    {
        ParityOutcome.Within => "within tolerance",
        ParityOutcome.Exceeded => "exceeded",
        ParityOutcome.Unreadable => "cannot be read",
        _ => "not supported",
    };

    static string Number(double value) => value == 0 ? "0" : double.IsInfinity(value) ? "infinite" : value is >= 0.01 and < 1e4 ? value.ToString("0.###", null) : value.ToString("0.0e+0", null);

    static void Write(Utf8JsonWriter json, List<ParityReport> reports, int code)
    {
        json.WriteStartObject();
        json.WriteStartArray("cases");
        foreach (var report in reports)
        {
            json.WriteStartObject();
            json.WriteString("case", report.Path);
            json.WriteString("kind", report.Kind);
            json.WriteBoolean("advisory", report.Advisory);
            json.WriteString("outcome", Word(report.Outcome));
            if (report.Message is not null) json.WriteString("message", report.Message);
            json.WriteStartArray("tensors");
            foreach (var r in report.Results)
            {
                json.WriteStartObject();
                json.WriteString("name", r.Name);
                json.WriteNumber("values", r.Count);
                if (double.IsFinite(r.LargestError)) json.WriteNumber("largest_error", r.LargestError); else json.WriteNull("largest_error");
                json.WriteNumber("abs", r.Tolerance.Abs);
                json.WriteNumber("rel", r.Tolerance.Rel);
                json.WriteBoolean("within", r.Within);
                if (r.Note is not null) json.WriteString("note", r.Note);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("exit_code", code);
        json.WriteEndObject();
    }
}
