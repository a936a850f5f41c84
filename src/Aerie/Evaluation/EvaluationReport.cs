// What an evaluation found: acceptance, speed, equality. Acceptance length (tau) = tokens emitted per target pass, bonus token included
// = 1 + accepted / passes. Speed is timed interleaved in one run, plain against speculative, by the same engine.
using System.Text.Json;

namespace Aerie.Evaluation;

/// <summary>Counts of verification over some answers.</summary>
/// <param name="Name">The domain, or "overall".</param>
/// <param name="Answers">Answers that were decoded.</param>
/// <param name="Tokens">Tokens of these answers.</param>
/// <param name="Passes">Target passes that verified a chain.</param>
/// <param name="AcceptedAt">How many of these passes accepted the draft token at position 0, 1, ...</param>
public sealed record Acceptance(string Name, int Answers, long Tokens, long Passes, IReadOnlyList<long> AcceptedAt)
{
    /// <summary>Acceptance length: 1 + accepted / passes.</summary>
    public double Tau => Passes == 0 ? 1 : 1 + (double)AcceptedAt.Sum() / Passes;

    /// <summary>The share of passes that accepted the draft token at a position.</summary>
    public double RateAt(int position) => Passes == 0 ? 0 : (double)AcceptedAt[position] / Passes;

    /// <summary>All of them together.</summary>
    public static Acceptance Sum(string name, IEnumerable<Acceptance> parts)
    {
        var all = parts.ToList();
        var at = new long[all.Select(a => a.AcceptedAt.Count).DefaultIfEmpty(0).Max()];
        foreach (var part in all)
            for (var i = 0; i < part.AcceptedAt.Count; i++) at[i] += part.AcceptedAt[i];
        return new(name, all.Sum(a => a.Answers), all.Sum(a => a.Tokens), all.Sum(a => a.Passes), at);
    }
}

/// <summary>A file of the run and what it is.</summary>
public sealed record ReportFile(string What, string Path);

/// <summary>An evaluation, ready to be shown and written.</summary>
public sealed record EvaluationReport
{
    /// <summary>What was evaluated, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>The target's folder.</summary>
    public required string Target { get; init; }

    /// <summary>The drafter's folder.</summary>
    public required string Drafter { get; init; }

    /// <summary>Draft tokens per chain.</summary>
    public required int DraftTokens { get; init; }

    /// <summary>Acceptance by domain.</summary>
    public required IReadOnlyList<Acceptance> Domains { get; init; }

    /// <summary>Plain decoding, tokens per second.</summary>
    public required double PlainTokensPerSecond { get; init; }

    /// <summary>Speculative decoding, tokens per second.</summary>
    public required double SpeculativeTokensPerSecond { get; init; }

    /// <summary>Answers compared token by token with plain decoding.</summary>
    public required int AnswersCompared { get; init; }

    /// <summary>Answers that were equal.</summary>
    public required int AnswersEqual { get; init; }

    /// <summary>Where things are.</summary>
    public IReadOnlyList<ReportFile> Files { get; init; } = [];

    /// <summary>What to do next.</summary>
    public IReadOnlyList<string> NextSteps { get; init; } = [];

    /// <summary>Further figures worth keeping: name and value.</summary>
    public IReadOnlyList<(string Name, string Value)> Figures { get; init; } = [];

    /// <summary>Acceptance over all domains.</summary>
    public Acceptance Overall => Acceptance.Sum("overall", Domains);

    /// <summary>Speculative over plain tokens per second.</summary>
    public double SpeedUp => PlainTokensPerSecond > 0 ? SpeculativeTokensPerSecond / PlainTokensPerSecond : 0;

    /// <summary>Every compared answer was equal.</summary>
    public bool Lossless => AnswersEqual == AnswersCompared;

    /// <summary>Writes the report as one JSON object.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("title", Title);
        json.WriteString("target", Target);
        json.WriteString("drafter", Drafter);
        json.WriteNumber("draft_tokens", DraftTokens);
        json.WriteNumber("tau", Round(Overall.Tau));
        WriteRates(json, Overall);
        json.WriteStartArray("domains");
        foreach (var domain in Domains)
        {
            json.WriteStartObject();
            json.WriteString("name", domain.Name);
            json.WriteNumber("tau", Round(domain.Tau));
            WriteRates(json, domain);
            json.WriteNumber("answers", domain.Answers);
            json.WriteNumber("tokens", domain.Tokens);
            json.WriteNumber("passes", domain.Passes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("answers", Overall.Answers);
        json.WriteNumber("tokens", Overall.Tokens);
        json.WriteNumber("passes", Overall.Passes);
        json.WriteNumber("plain_tokens_per_second", Round(PlainTokensPerSecond));
        json.WriteNumber("speculative_tokens_per_second", Round(SpeculativeTokensPerSecond));
        json.WriteNumber("speed_up", Round(SpeedUp));
        json.WriteNumber("answers_compared", AnswersCompared);
        json.WriteNumber("answers_equal", AnswersEqual);
        json.WriteStartObject("figures");
        foreach (var (name, value) in Figures) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartObject("files");
        foreach (var file in Files) json.WriteString(file.What, file.Path);
        json.WriteEndObject();
        json.WriteStartArray("next_steps");
        foreach (var step in NextSteps) json.WriteStringValue(step);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    static void WriteRates(Utf8JsonWriter json, Acceptance acceptance)
    {
        json.WriteStartArray("acceptance_by_position");
        for (var i = 0; i < acceptance.AcceptedAt.Count; i++) json.WriteNumberValue(Round(acceptance.RateAt(i)));
        json.WriteEndArray();
    }

    static double Round(double value) => Math.Round(value, 4);
}
