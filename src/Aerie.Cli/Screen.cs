// Where words go: data to stdout, progress and remarks to stderr, no colour when redirected or NO_COLOR is set.
using System.Text;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Aerie.Cli;

sealed class Screen(bool json)
{
    /// <summary>The user asked for one JSON value on stdout and nothing else there.</summary>
    public bool Json { get; } = json;

    /// <summary>No colour: redirected, or NO_COLOR is set.</summary>
    public bool Plain { get; } = Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };

    /// <summary>A line of data.</summary>
    public void Line(string text = "") => Console.Out.WriteLine(Harmless(text));

    /// <summary>A remark for people.</summary>
    public void Note(string text) => Console.Error.WriteLine(Harmless(text));

    /// <summary>Names come out of files that others wrote: what would steer a terminal is shown as ?.</summary>
    public static string Harmless(string text) => text.Any(Steers) ? string.Concat(text.Select(c => Steers(c) ? '?' : c)) : text;

    static bool Steers(char c) => char.IsControl(c) && c is not ('\n' or '\t' or '\r');

    /// <summary>A table or other drawing, as data.</summary>
    /// <param name="drawing">What to draw.</param>
    /// <param name="wrap">Lines are broken at the width of the terminal; else it does that itself, and no character is lost.</param>
    public void Show(IRenderable drawing, bool wrap = true)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = Plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = Plain ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(Console.Out),
        });
        if (!wrap) console.Profile.Width = 1 << 24;
        else if (Console.IsOutputRedirected) console.Profile.Width = 160;
        console.Write(drawing);
    }

    /// <summary>One JSON value, as data.</summary>
    public void Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true })) write(writer);
        Console.Out.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    /// <summary>A table in the house's plain style.</summary>
    public static Table Table(params string[] columns)
    {
        var table = new Table().Border(TableBorder.Simple).Collapse();
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        return table;
    }
}
