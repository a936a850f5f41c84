// Unicode normalization forms (UAX #15) from tables of our own: .NET's depend on ICU, which a self-contained program without
// culture data does not have. The tables are UnicodeForms.txt, made by tools/unicode-forms.py.
using System.Globalization;
using System.Text;
using Aerie.Text.Patterns;

namespace Aerie.Text.Components;

static class UnicodeForms
{
    static readonly Dictionary<int, int[]> Canonical = [], Compatible = [];
    static readonly Dictionary<(int, int), int> Composed = [];
    static readonly Dictionary<int, int> Classes = [];

    static UnicodeForms()
    {
        using var reader = new StreamReader(typeof(UnicodeForms).Assembly.GetManifestResourceStream("Aerie.Text.UnicodeForms.txt")!);
        while (reader.ReadLine() is { } line)
        {
            var at = line.AsSpan().IndexOfAny("=-~:");
            var code = Hex(line[..at]);
            if (line[at] == ':')
            {
                Classes[code] = int.Parse(line.AsSpan(at + 1), CultureInfo.InvariantCulture);
                continue;
            }
            int[] parts = [.. line[(at + 1)..].Split(' ').Select(Hex)];
            (line[at] == '~' ? Compatible : Canonical)[code] = parts;
            if (line[at] == '=') Composed[(parts[0], parts[1])] = code;
        }

        static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    /// <summary>The text in NFC (compose), NFD, NFKC (compose, compatible) or NFKD (compatible).</summary>
    internal static string Normalize(string text, bool compose, bool compatible)
    {
        if (Ascii.IsValid(text) || Still[(compose ? 1 : 0) + (compatible ? 2 : 0)].End(text, 0) == text.Length) return text;
        return Full(text, compose, compatible);
    }

    // Characters that stay as they are whatever is beside them, as long as that is one of these too: nearly all of a usual text.
    static readonly RuneSet[] Still = [.. Enumerable.Range(0, 4).Select(form => new RuneSet(rune => IsStill(rune, (form & 1) != 0, (form & 2) != 0)))];

    static bool IsStill(int rune, bool compose, bool compatible)
    {
        if (!Rune.IsValid(rune) || Class(rune) != 0) return false;
        var parts = new List<int>();
        Decompose(rune, compatible, parts);
        if (!compose) return parts.Count == 1 && parts[0] == rune;
        if (IsSecond(rune) || IsSecond(parts[0])) return false;
        Order(parts);
        Compose(parts);
        return parts.Count == 1 && parts[0] == rune;
    }

    /// <summary>The same without looking whether there is anything to do.</summary>
    internal static string Full(string text, bool compose, bool compatible)
    {
        var runes = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, compatible, runes);
        Order(runes);
        if (compose) Compose(runes);
        var result = new StringBuilder(text.Length);
        Span<char> chars = stackalloc char[2];
        foreach (var rune in runes) result.Append(chars[..new Rune(rune).EncodeToUtf16(chars)]);
        return result.ToString();
    }

    /// <summary>Where the text can be cut so that each part can be normalised by itself: (start, end) of the parts.</summary>
    internal static IEnumerable<(int Start, int End)> Parts(string text)
    {
        for (int start = 0, end = 0; start < text.Length; start = end)
        {
            end += Length(end);
            while (end < text.Length && Joins(Rune.GetRuneAt(text, end).Value)) end += Length(end);
            yield return (start, end);
        }

        int Length(int at) => Rune.GetRuneAt(text, at).Utf16SequenceLength;

        // A mark, or what may compose with the character before it.
        static bool Joins(int rune) => Class(rune) != 0 || IsSecond(rune);
    }

    static bool IsSecond(int rune) => rune is (>= 0x1161 and < 0x1176) or (> 0x11A7 and < 0x11C3) || Seconds.Value.Contains(rune);

    static readonly Lazy<HashSet<int>> Seconds = new(() => [.. Composed.Keys.Select(pair => pair.Item2)]);

    static void Decompose(int rune, bool compatible, List<int> to)
    {
        if (rune is >= 0xAC00 and < 0xD7A4)
        {
            // Hangul: leading consonant, vowel, perhaps a trailing consonant.
            var index = rune - 0xAC00;
            to.Add(0x1100 + index / 588);
            to.Add(0x1161 + index % 588 / 28);
            if (index % 28 != 0) to.Add(0x11A7 + index % 28);
        }
        else if (Canonical.TryGetValue(rune, out var parts) || (compatible && Compatible.TryGetValue(rune, out parts)))
        {
            foreach (var part in parts) Decompose(part, compatible, to);
        }
        else to.Add(rune);
    }

    static int Class(int rune) => Classes.GetValueOrDefault(rune);

    // Marks in a row are sorted by their class, equal ones keep their order.
    static void Order(List<int> runes)
    {
        for (var start = 0; start < runes.Count; start++)
        {
            if (Class(runes[start]) == 0) continue;
            var end = start;
            while (end < runes.Count && Class(runes[end]) != 0) end++;
            int[] sorted = [.. runes[start..end].OrderBy(Class)];
            for (var i = 0; i < sorted.Length; i++) runes[start + i] = sorted[i];
            start = end;
        }
    }

    // A character joins the last starter if nothing between them has its class or a higher one.
    static void Compose(List<int> runes)
    {
        var (starter, last, count) = (-1, -1, 0);
        foreach (var rune in runes.ToArray())
        {
            var own = Class(rune);
            if (starter >= 0 && last < own && Pair(runes[starter], rune) is { } joined && (last != 0 || count == starter + 1))
            {
                runes[starter] = joined;
                continue;
            }
            if (own == 0) (starter, last) = (count, -1);
            else last = own;
            runes[count++] = rune;
        }
        runes.RemoveRange(count, runes.Count - count);
    }

    static int? Pair(int a, int b) =>
        a is >= 0x1100 and < 0x1113 && b is >= 0x1161 and < 0x1176 ? 0xAC00 + ((a - 0x1100) * 21 + b - 0x1161) * 28
        : a is >= 0xAC00 and < 0xD7A4 && (a - 0xAC00) % 28 == 0 && b is > 0x11A7 and < 0x11C3 ? a + b - 0x11A7
        : Composed.TryGetValue((a, b), out var joined) ? joined : null;
}
