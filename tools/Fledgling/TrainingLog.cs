// What the run did: a line on the console now and then, and the table and curve that are kept beside the weights.
using System.Globalization;
using System.Text;
using Aerie.Formats;

namespace Aerie.Fledgling;

internal sealed class TrainingLog
{
    readonly record struct Entry(int Step, double Loss, double Right, double Norm, double Rate, double TokensPerSecond, long Tokens, TimeSpan Elapsed);

    readonly List<Entry> entries = [];
    double loss, right;
    int steps;
    long tokens, tokensBefore;
    TimeSpan before;
    Entry last;

    public void Add(int step, double stepLoss, double stepRight, double norm, double rate, int stepTokens, TimeSpan elapsed)
    {
        loss += stepLoss;
        right += stepRight;
        tokens += stepTokens;
        steps++;
        last = new Entry(step + 1, loss / steps, right / steps, norm, rate, (tokens - tokensBefore) / (elapsed - before).TotalSeconds, tokens, elapsed);
        if ((step + 1) % 50 == 0)
            Flush();
    }

    public int Steps => last.Step;

    public void Finish()
    {
        if (steps > 0)
            Flush();
    }

    void Flush()
    {
        entries.Add(last);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"step {last.Step} | loss {last.Loss:F4} | right {last.Right:P1} | grad_norm {last.Norm:F2} | lr {last.Rate:E2} | tokens/s {last.TokensPerSecond:F0} | {last.Elapsed:mm\\:ss}"));
        (loss, right, steps, tokensBefore, before) = (0, 0, 0, tokens, last.Elapsed);
    }

    /// <summary>training.md and training.svg.</summary>
    public void Write(string folder, TrainingPlan plan, IReadOnlyList<string> machine)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            # How fledgling was trained

            {last.Step} steps of AdamW (peak rate {TrainingPlan.PeakRate}, warm-up {TrainingPlan.WarmUp} steps, cosine decay), about {last.Tokens / last.Step} tokens a step, {last.Tokens / 1e6:F1} million tokens in all,
            seed {plan.Seed}, {last.Elapsed.TotalMinutes:F1} minutes: {last.Tokens / last.Elapsed.TotalSeconds:F0} tokens/s ({string.Join("; ", machine)}).
            Products in bf16 with float32 sums, masters and moments in float32. Loss: mean cross entropy, answers with weight 1, prompts with weight 0.05;
            "right" is the share of all tokens, prompts included, that were guessed. Prompts hold names and numbers that nobody can guess.

            ![loss](training.svg)

            | step | loss | right | gradient norm | learning rate | tokens/s | minutes |
            |---:|---:|---:|---:|---:|---:|---:|
            """);
        int every = Math.Max(1, entries.Count / 40);
        foreach (Entry e in entries.Where((_, i) => i % every == every - 1 || i == 0 || i == entries.Count - 1))
            text.AppendLine(CultureInfo.InvariantCulture, $"| {e.Step} | {e.Loss:F4} | {e.Right:P1} | {e.Norm:F2} | {e.Rate:E2} | {e.TokensPerSecond:F0} | {e.Elapsed.TotalMinutes:F1} |");
        WholeFile.Write(Path.Combine(folder, "training.md"), text.ToString());
        WholeFile.Write(Path.Combine(folder, "training.svg"), Curve());
    }

    // Loss over steps, loss on a logarithmic scale from 0.05 to 10.
    string Curve()
    {
        const double Width = 640, Height = 300, Left = 50, Bottom = 30;
        double X(double step) => Left + (Width - Left - 10) * step / last.Step;
        double Y(double value) => 10 + (Height - Bottom - 10) * (1 - Math.Log(Math.Clamp(value, 0.05, 10) / 0.05) / Math.Log(200));
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="sans-serif" font-size="11">""");
        svg.AppendLine("""<rect width="100%" height="100%" fill="white"/>""");
        foreach (double tick in (double[])[0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
            svg.AppendLine(CultureInfo.InvariantCulture,
                $"""<line x1="{Left}" x2="{Width - 10}" y1="{Y(tick):F1}" y2="{Y(tick):F1}" stroke="#ddd"/><text x="{Left - 6}" y="{Y(tick) + 4:F1}" text-anchor="end">{tick}</text>""");
        for (int i = 0; i <= 4; i++)
            svg.AppendLine(CultureInfo.InvariantCulture, $"""<text x="{X(last.Step * i / 4.0):F1}" y="{Height - 10}" text-anchor="middle">{last.Step * i / 4}</text>""");
        svg.AppendLine(CultureInfo.InvariantCulture,
            $"""<polyline fill="none" stroke="#1565c0" stroke-width="1.5" points="{string.Join(' ', entries.Select(e => string.Create(CultureInfo.InvariantCulture, $"{X(e.Step):F1},{Y(e.Loss):F1}")))}"/>""");
        svg.AppendLine($"""<text x="{Width / 2}" y="{Height - 2}" text-anchor="middle">step</text><text x="{Left + 8}" y="22">loss</text></svg>""");
        return svg.ToString();
    }
}
