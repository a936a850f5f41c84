// The methods of str. Lengths and places count code points; upper and lower case are Python's full mappings.
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Aerie.Text.Templates;

static class StringMethods
{
    delegate object Body(string text, object?[] arguments);

    static readonly Dictionary<string, (string Parameters, Body Call)> All = new()
    {
        ["strip"] = ("chars", (s, a) => Strip(s, a[0], true, true)),
        ["lstrip"] = ("chars", (s, a) => Strip(s, a[0], true, false)),
        ["rstrip"] = ("chars", (s, a) => Strip(s, a[0], false, true)),
        ["split"] = ("sep maxsplit", (s, a) => Split(s, a[0], a[1], fromRight: false)),
        ["rsplit"] = ("sep maxsplit", (s, a) => Split(s, a[0], a[1], fromRight: true)),
        ["splitlines"] = ("keepends", (s, a) => List(Lines(s, a[0] is { } keep && Of.Truth(keep)))),
        ["startswith"] = ("prefix start end", (s, a) => AnyOf(a[0], Part(s, a[1], a[2]).StartsWith)),
        ["endswith"] = ("suffix start end", (s, a) => AnyOf(a[0], Part(s, a[1], a[2]).EndsWith)),
        ["upper"] = ("", (s, _) => Upper(s)),
        ["lower"] = ("", (s, _) => Lower(s)),
        ["casefold"] = ("", (s, _) => Lower(s).Replace("ß", "ss", StringComparison.Ordinal).Replace('ς', 'σ')),
        ["swapcase"] = ("", (s, _) => string.Concat(s.EnumerateRunes().Select(r => Rune.IsUpper(r) ? Lower(r.ToString()) : Upper(r.ToString())))),
        ["title"] = ("", (s, _) => Title(s)),
        ["capitalize"] = ("", (s, _) => Capitalize(s)),
        ["replace"] = ("old new count", (s, a) => Replace(s, Needed(a[0]), Needed(a[1]), a[2])),
        ["join"] = ("iterable", (s, a) => Join(s, Of.Iterate(a[0] ?? throw Missing()).Select(Of.String))),
        ["find"] = ("sub start end", (s, a) => Find(s, a, last: false)),
        ["rfind"] = ("sub start end", (s, a) => Find(s, a, last: true)),
        ["index"] = ("sub start end", (s, a) => Found(Find(s, a, last: false))),
        ["rindex"] = ("sub start end", (s, a) => Found(Find(s, a, last: true))),
        ["count"] = ("sub start end", (s, a) => Of.Number(Count(Part(s, a[1], a[2]), Needed(a[0])))),
        ["removeprefix"] = ("prefix", (s, a) => s.StartsWith(Needed(a[0]), StringComparison.Ordinal) ? s[Needed(a[0]).Length..] : s),
        ["removesuffix"] = ("suffix", (s, a) => s.EndsWith(Needed(a[0]), StringComparison.Ordinal) ? s[..^Needed(a[0]).Length] : s),
        ["partition"] = ("sep", (s, a) => Partition(s, Needed(a[0]), s.IndexOf(Needed(a[0]), StringComparison.Ordinal), last: false)),
        ["rpartition"] = ("sep", (s, a) => Partition(s, Needed(a[0]), s.LastIndexOf(Needed(a[0]), StringComparison.Ordinal), last: true)),
        ["zfill"] = ("width", (s, a) => s is ['+' or '-', ..] ? s[0] + Pad(s[1..], Of.Int(a[0]!) - 1, "0", 1) : Pad(s, Of.Int(a[0]!), "0", 1)),
        ["ljust"] = ("width fillchar", (s, a) => Pad(s, Of.Int(a[0]!), Fill(a[1]), 0)),
        ["rjust"] = ("width fillchar", (s, a) => Pad(s, Of.Int(a[0]!), Fill(a[1]), 1)),
        ["center"] = ("width fillchar", (s, a) => Center(s, Of.Int(a[0]!), Fill(a[1]))),
        ["expandtabs"] = ("tabsize", (s, a) => ExpandTabs(s, a[0] is { } size ? Of.Int(size) : 8)),
        ["isdigit"] = ("", (s, _) => Each(s, r => Rune.IsDigit(r) || "²³¹⁰⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉".Contains(r.ToString(), StringComparison.Ordinal))),
        ["isdecimal"] = ("", (s, _) => Each(s, Rune.IsDigit)),
        ["isnumeric"] = ("", (s, _) => Each(s, Rune.IsNumber)),
        ["isalpha"] = ("", (s, _) => Each(s, Rune.IsLetter)),
        ["isalnum"] = ("", (s, _) => Each(s, r => Rune.IsLetter(r) || Rune.IsNumber(r))),
        ["isspace"] = ("", (s, _) => s.Length > 0 && s.All(Of.IsWhite)),
        ["isascii"] = ("", (s, _) => s.All(char.IsAscii)),
        ["isupper"] = ("", (s, _) => IsUpper(s)),
        ["islower"] = ("", (s, _) => IsLower(s)),
        ["istitle"] = ("", (s, _) => s.Any(char.IsLetter) && s == Title(s)),
        ["isidentifier"] = ("", (s, _) => s.Length > 0 && !char.IsAsciiDigit(s[0]) && s.All(c => c == '_' || char.IsLetterOrDigit(c))),
    };

    internal static Function? Find(Run run, string text, string name)
    {
        if (name == "format") return new Function(name, a => run.Made(PythonFormat.Format(run, text, a)));
        return All.TryGetValue(name, out var method) ? new Function(name, a => Counted(run, method.Call(text, a.Bind(name, method.Parameters)))) : null;
    }

    static object Counted(Run run, object value) => value is string text ? run.Made(text) : value;

    static TemplateError Missing() => new("an argument is missing");

    static string Needed(object? value) => Of.String(value ?? throw Missing());

    static Items List(IEnumerable<string> parts) => new([.. parts]);

    internal static string Strip(string text, object? characters, bool left, bool right)
    {
        if (characters is null or None)
        {
            int from = 0, to = text.Length;
            while (left && from < to && Of.IsWhite(text[from])) from++;
            while (right && to > from && Of.IsWhite(text[to - 1])) to--;
            return text[from..to];
        }
        var set = Of.Characters(Of.String(characters)).ToHashSet();
        var all = Of.Characters(text).ToList();
        int start = 0, end = all.Count;
        while (left && start < end && set.Contains(all[start])) start++;
        while (right && end > start && set.Contains(all[end - 1])) end--;
        return string.Concat(all[start..end]);
    }

    static Items Split(string text, object? separator, object? most, bool fromRight)
    {
        var left = most is null ? -1 : Of.Int(most);
        var parts = new List<string>();
        if (separator is null or None)
        {
            SplitWhite(text, left, fromRight, parts);
            return List(parts);
        }
        var by = Of.String(separator);
        if (by.Length == 0) throw new TemplateError("an empty separator");
        while (left != 0)
        {
            var at = fromRight ? text.LastIndexOf(by, StringComparison.Ordinal) : text.IndexOf(by, StringComparison.Ordinal);
            if (at < 0) break;
            parts.Add(fromRight ? text[(at + by.Length)..] : text[..at]);
            text = fromRight ? text[..at] : text[(at + by.Length)..];
            Run.CheckList(parts.Count);
            left--;
        }
        parts.Add(text);
        if (fromRight) parts.Reverse();
        return List(parts);
    }

    static void SplitWhite(string text, int left, bool fromRight, List<string> parts)
    {
        text = Strip(text, null, true, true);
        while (text.Length > 0)
        {
            var at = left == 0 ? -1 : fromRight ? LastWhite(text) : FirstWhite(text);
            if (at < 0)
            {
                parts.Add(text);
                break;
            }
            parts.Add(fromRight ? text[(at + 1)..] : text[..at]);
            text = fromRight ? Strip(text[..at], null, false, true) : Strip(text[at..], null, true, false);
            Run.CheckList(parts.Count);
            left--;
        }
        if (fromRight) parts.Reverse();
    }

    static int FirstWhite(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (Of.IsWhite(text[i])) return i;
        }
        return -1;
    }

    static int LastWhite(string text)
    {
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (Of.IsWhite(text[i])) return i;
        }
        return -1;
    }

    internal static List<string> Lines(string text, bool keepEnds = false)
    {
        var lines = new List<string>();
        for (int i = 0, start = 0; i < text.Length || start < text.Length; i++)
        {
            if (i < text.Length && text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1C' or '\x1D' or '\x1E' or '\u0085' or '\u2028' or '\u2029')) continue;
            var end = i;
            if (i + 1 < text.Length && text[i] == '\r' && text[i + 1] == '\n') i++;
            lines.Add(text[start..(keepEnds ? Math.Min(i + 1, text.Length) : end)]);
            start = i + 1;
        }
        return lines;
    }

    delegate bool Match(string part, StringComparison how);

    static bool AnyOf(object? wanted, Match match) => wanted switch
    {
        Items { IsTuple: true } several => several.Values.Any(w => match(Of.String(w), StringComparison.Ordinal)),
        _ => match(Needed(wanted), StringComparison.Ordinal),
    };

    static string Part(string text, object? start, object? end) =>
        start is null && end is null ? text : (string)Access.Slice(text, start is null or None ? null : Of.Int(start), end is null or None ? null : Of.Int(end), null);

    internal static string Replace(string text, string old, string other, object? count)
    {
        var left = count is null or None ? -1 : Of.Int(count);
        if (left < 0 && old.Length > 0)
        {
            Run.CheckLength(text.Length + (long)Count(text, old) * (other.Length - old.Length));
            return text.Replace(old, other, StringComparison.Ordinal);
        }
        var result = new StringBuilder();
        if (old.Length == 0)
        {
            // Before every character and at the end.
            foreach (var character in Of.Characters(text).Append(""))
            {
                if (left-- != 0) result.Append(other);
                else left = 0;
                result.Append(character);
                Run.CheckLength(result.Length);
            }
            return result.ToString();
        }
        var at = 0;
        for (var found = text.IndexOf(old, StringComparison.Ordinal); found >= 0 && left > 0; found = text.IndexOf(old, at, StringComparison.Ordinal), left--)
        {
            result.Append(text, at, found - at).Append(other);
            at = found + old.Length;
            Run.CheckLength(result.Length);
        }
        return result.Append(text, at, text.Length - at).ToString();
    }

    internal static string Join(string separator, IEnumerable<string> parts)
    {
        var result = new StringBuilder();
        var first = true;
        foreach (var part in parts)
        {
            Run.CheckLength((long)result.Length + separator.Length + part.Length);
            if (!first) result.Append(separator);
            result.Append(part);
            first = false;
        }
        return result.ToString();
    }

    static object Find(string text, object?[] a, bool last)
    {
        var part = Part(text, a[1], a[2]);
        var at = last ? part.LastIndexOf(Needed(a[0]), StringComparison.Ordinal) : part.IndexOf(Needed(a[0]), StringComparison.Ordinal);
        if (at < 0) return BigInteger.MinusOne;
        var start = a[1] is null or None ? 0 : Of.Int(a[1]!);
        if (start < 0) start = Math.Max(0, start + Of.Length(text.AsSpan()));
        return Of.Number(start + Of.Length(part.AsSpan(0, at)));
    }

    static object Found(object at) => at is BigInteger { Sign: < 0 } ? throw new TemplateError("substring not found") : at;

    static int Count(string text, string part)
    {
        if (part.Length == 0) return Of.Length(text.AsSpan()) + 1;
        var count = 0;
        for (var at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    static Items Partition(string text, string by, int at, bool last) => new(
        at >= 0 ? [text[..at], by, text[(at + by.Length)..]] : last ? ["", "", text] : [text, "", ""], isTuple: true);

    static string Fill(object? value) => value is null ? " " : Of.String(value) is var fill && Of.Length(fill.AsSpan()) == 1 ? fill : throw new TemplateError("the fill must be one character");

    internal static string Pad(string text, int width, string fill, int left)
    {
        var missing = Math.Max(0, width - Of.Length(text.AsSpan()));
        Run.CheckLength((long)text.Length + missing);
        var padding = string.Concat(Enumerable.Repeat(fill, missing));
        return left > 0 ? padding + text : text + padding;
    }

    // CPython puts the odd one on the left when both missing and width are odd.
    internal static string Center(string text, int width, string fill)
    {
        var missing = Math.Max(0, width - Of.Length(text.AsSpan()));
        Run.CheckLength((long)text.Length + missing);
        var left = missing / 2 + (missing & width & 1);
        return string.Concat(Enumerable.Repeat(fill, left)) + text + string.Concat(Enumerable.Repeat(fill, missing - left));
    }

    static string ExpandTabs(string text, int size)
    {
        var result = new StringBuilder();
        var column = 0;
        foreach (var character in Of.Characters(text))
        {
            if (character == "\t" && size > 0)
            {
                var count = size - column % size;
                Run.CheckLength((long)result.Length + count);
                result.Append(' ', count);
                column += count;
            }
            else if (character != "\t")
            {
                result.Append(character);
                column = character is "\n" or "\r" ? 0 : column + 1;
            }
        }
        return result.ToString();
    }

    static bool Each(string text, Func<Rune, bool> test) => text.Length > 0 && text.EnumerateRunes().All(test);

    internal static bool IsUpper(string text) => text.Any(char.IsUpper) && !text.Any(char.IsLower);

    internal static bool IsLower(string text) => text.Any(char.IsLower) && !text.Any(char.IsUpper);

    // What becomes several characters (Unicode's SpecialCasing), and two that .NET leaves alone.
    static readonly Dictionary<int, string> Uppers = new()
    {
        ['ß'] = "SS", ['ŉ'] = "ʼN", ['ǰ'] = "J\u030C", [0x390] = "\u0399\u0308\u0301", [0x3B0] = "\u03A5\u0308\u0301", [0x587] = "\u0535\u0552", [0x1E96] = "H\u0331", [0x1E97] = "T\u0308",
        [0x1E98] = "W\u030A", [0x1E99] = "Y\u030A", [0x1E9A] = "A\u02BE", [0xFB00] = "FF", [0xFB01] = "FI", [0xFB02] = "FL", [0xFB03] = "FFI", [0xFB04] = "FFL", [0xFB05] = "ST", [0xFB06] = "ST",
        ['ſ'] = "S", ['ı'] = "I",
    };

    internal static string Upper(string text) => string.Concat(text.EnumerateRunes().Select(r => Uppers.TryGetValue(r.Value, out var several) ? several : Rune.ToUpperInvariant(r).ToString()));

    internal static string Lower(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length);
            result.Append(rune.Value switch
            {
                'Σ' => Final(text, i) ? "ς" : "σ",
                'İ' => "i\u0307",
                0x212A => "k",
                0x212B => "å",
                _ => Rune.ToLowerInvariant(rune).ToString(),
            });
            i += length;
        }
        return result.ToString();
    }

    // Sigma at the end of a word: a letter before it, none after it.
    static bool Final(string text, int at) => at > 0 && char.IsLetter(text[at - 1]) && !(at + 1 < text.Length && char.IsLetter(text[at + 1]));

    static string TitleCase(string character) => character switch
    {
        "Ǆ" or "ǅ" or "ǆ" => "ǅ",
        "Ǉ" or "ǈ" or "ǉ" => "ǈ",
        "Ǌ" or "ǋ" or "ǌ" => "ǋ",
        "Ǳ" or "ǲ" or "ǳ" => "ǲ",
        _ => Upper(character) is [var first, .. { Length: > 0 } rest] upper && !char.IsSurrogate(first) && character != "ŉ" ? first + Lower(rest) : Upper(character),
    };

    internal static string Capitalize(string text)
    {
        var first = Of.Characters(text).FirstOrDefault() ?? "";
        return TitleCase(first) + Lower(text[first.Length..]);
    }

    static string Title(string text)
    {
        var result = new StringBuilder();
        var inWord = false;
        foreach (var character in Of.Characters(text))
        {
            result.Append(inWord ? Lower(character) : TitleCase(character));
            Rune.DecodeFromUtf16(character, out var rune, out _);
            inWord = Rune.IsUpper(rune) || Rune.IsLower(rune) || Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;
        }
        return result.ToString();
    }
}
