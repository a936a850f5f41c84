// How far a computed value may lie from the recorded one: |got - want| <= abs + rel * |want|.
// Which rule holds for a tensor: its exact name, else the longest pattern with `*` (any text) that matches, else it must be equal.
using System.Text.Json;

namespace Aerie.Parity;

/// <summary>The allowed distance from a recorded value: <c>abs + rel * |want|</c>.</summary>
public readonly record struct Tolerance(double Abs, double Rel)
{
    /// <summary>Equality.</summary>
    public static readonly Tolerance Exact = new(0, 0);

    /// <summary>The largest allowed distance from <paramref name="want"/>.</summary>
    public double At(double want) => Abs + (Rel == 0 ? 0 : Rel * Math.Abs(want));

    /// <inheritdoc/>
    public override string ToString() => this == Exact ? "equal" : Rel == 0 ? Abs is >= 0.01 and < 1e4 ? $"{Abs:0.###}" : $"{Abs:0.0e+0}" : $"{Abs:0.0e+0} + {Rel:0.0e+0}|x|";
}

/// <summary>The `tolerance` object of a case.</summary>
public sealed class ToleranceRules
{
    readonly Dictionary<string, Tolerance> rules = [];

    /// <summary>Reads <c>{"logits.*": {"abs": 1e-4, "rel": 1e-5}, ...}</c>.</summary>
    public static ToleranceRules Read(JsonElement json, string file)
    {
        var all = new ToleranceRules();
        if (json.ValueKind != JsonValueKind.Object) throw new AerieException($"{file}: `tolerance` must be an object of {{abs, rel}} per tensor name.");
        foreach (var rule in json.EnumerateObject())
        {
            if (rule.Value.ValueKind != JsonValueKind.Object) throw new AerieException($"{file}: the tolerance of `{rule.Name}` must be an object with abs and rel.");
            all.rules[rule.Name] = new Tolerance(Number("abs"), Number("rel"));

            double Number(string key) => !rule.Value.TryGetProperty(key, out var value) ? 0
                : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= 0 && double.IsFinite(number) ? number
                : throw new AerieException($"{file}: `{key}` of the tolerance of `{rule.Name}` must be a number that is not negative.");
        }
        return all;
    }

    /// <summary>The rule for a tensor.</summary>
    public Tolerance For(string name)
    {
        if (rules.TryGetValue(name, out var exact)) return exact;
        var best = rules.Keys.Where(p => Matches(p, name)).OrderByDescending(p => p.Length).ThenBy(p => p, StringComparer.Ordinal).FirstOrDefault();
        return best is null ? Tolerance.Exact : rules[best];
    }

    /// <summary>Does the name fit the pattern, in which `*` stands for any text, also none?</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        // Greedy with one point to return to: linear memory, no regular expression from outside.
        int p = 0, n = 0, star = -1, mark = 0;
        while (n < name.Length)
        {
            if (p < pattern.Length && pattern[p] == '*') (star, mark, p) = (p, n, p + 1);
            else if (p < pattern.Length && pattern[p] == name[n]) { p++; n++; }
            else if (star >= 0) (p, n) = (star + 1, ++mark);
            else return false;
        }
        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
