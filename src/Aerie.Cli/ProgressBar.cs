// A bar with the time left, on stderr: redrawn in place on a terminal, a plain line now and then when redirected.
using System.Diagnostics;

namespace Aerie.Cli;

/// <summary>Draws what stages report. One stage is shown at a time; a new name finishes the one before.</summary>
sealed class ProgressBar(TextWriter? to = null, bool? redirected = null) : IProgress<Progress>, IDisposable
{
    readonly TextWriter output = to ?? Console.Error;
    readonly bool plain = redirected ?? Console.IsErrorRedirected;
    readonly Stopwatch clock = new();
    readonly Lock gate = new();
    string? stage;
    Progress last;
    double drawn, atStart;                                     // atStart: the share that the stage's first report found done, which the clock knows nothing of

    public void Report(Progress value)
    {
        lock (gate)
        {
            if (value.Stage != stage)
            {
                Finish();
                stage = value.Stage;
                drawn = double.NegativeInfinity;
                atStart = Share(value);
                clock.Restart();
            }
            last = value;
            // On a terminal ten times a second; redirected every ten seconds: a log should stay readable.
            var now = clock.Elapsed.TotalSeconds;
            if (now - drawn < (plain ? 10 : 0.1)) return;
            drawn = now;
            if (plain) output.WriteLine(Line()); else output.Write($"\r{Line()}\e[K");
        }
    }

    /// <summary>A line between: above the bar, which is redrawn.</summary>
    public void Say(string line)
    {
        lock (gate)
        {
            if (plain || stage is null) output.WriteLine(line);
            else output.Write($"\r{line}\e[K\n{Line()}\e[K");
        }
    }

    /// <summary>Ends the stage with its duration.</summary>
    public void Dispose()
    {
        lock (gate) Finish();
    }

    void Finish()
    {
        if (stage is null) return;
        var line = $"{stage,-24} {Time(clock.Elapsed)}{(last.Note is null ? "" : $"  {last.Note}")}";
        if (plain) output.WriteLine(line); else output.WriteLine($"\r{line}\e[K");
        stage = null;
    }

    string Line()
    {
        if (last.Total <= 0) return $"{last.Stage,-24} {last.Done}{(last.Note is null ? "" : $"  {last.Note}")}";
        var share = Share(last);
        const int width = 24;
        var full = (int)(share * width);
        var bar = plain ? "" : $"[{new string('#', full)}{new string('.', width - full)}] ";
        var left = share > atStart && share < 1 ? $"  {Time(clock.Elapsed * ((1 - share) / (share - atStart)))} left" : "";
        return $"{last.Stage,-24} {bar}{share,4:P0}{left}{(last.Note is null ? "" : $"  {last.Note}")}";
    }

    static double Share(Progress p) => p.Total <= 0 ? 0 : Math.Clamp((double)p.Done / p.Total, 0, 1);

    /// <summary>"8 s", "3:05", "1:02:03".</summary>
    public static string Time(TimeSpan t) => t.TotalSeconds < 60 ? $"{Math.Round(t.TotalSeconds)} s" : t.TotalHours < 1 ? $"{t.Minutes}:{t.Seconds:00}" : $"{(int)t.TotalHours}:{t.Minutes:00}:{t.Seconds:00}";
}
