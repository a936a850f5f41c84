// The filters that work on texts and numbers. Where Jinja makes a string of its input first, undefined is the empty one.
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Aerie.Text.Templates;

static class TextFilters
{
    internal static readonly Dictionary<string, (string Parameters, FilterBody Call)> All = new()
    {
        ["trim"] = ("chars", (_, v, a) => StringMethods.Strip(Printing.Str(v), a[0], true, true)),
        ["upper"] = ("", (_, v, _) => StringMethods.Upper(Printing.Str(v))),
        ["lower"] = ("", (_, v, _) => StringMethods.Lower(Printing.Str(v))),
        ["title"] = ("", (_, v, _) => Title(Printing.Str(v))),
        ["capitalize"] = ("", (_, v, _) => StringMethods.Capitalize(Printing.Str(v))),
        ["replace"] = ("old new count", (run, v, a) => run.Made(StringMethods.Replace(Printing.Str(v), Printing.Str(a[0] ?? throw Missing("replace")), Printing.Str(a[1] ?? throw Missing("replace")), a[2]))),
        ["string"] = ("", (_, v, _) => v is Safe ? v : Printing.Str(v)),
        ["safe"] = ("", (_, v, _) => new Safe(Printing.Str(v))),
        ["escape"] = ("", (_, v, _) => Escaped(v)),
        ["forceescape"] = ("", (_, v, _) => Escaped(Printing.Str(v))),
        ["indent"] = ("width first blank", (run, v, a) => run.Made(Indent(Printing.Str(v), a[0], Filters.Flag(a[1]), Filters.Flag(a[2])))),
        ["tojson"] = ("ensure_ascii indent separators sort_keys", (run, v, a) => run.Made(ToJson(run, v, a))),
        ["int"] = ("default base", (_, v, a) => Int(v, a[0] ?? BigInteger.Zero, a[1] is null ? 10 : Of.Int(a[1]!))),
        ["float"] = ("default", (_, v, a) => Float(v, a[0] ?? 0.0)),
        ["abs"] = ("", (_, v, _) => v is double d ? Math.Abs(d) : Of.Whole(v) is { } n ? BigInteger.Abs(n) : throw Wrong("abs", v)),
        ["round"] = ("precision method", (_, v, a) => Round(v, a[0] is null ? 0 : Of.Int(a[0]!), a[1] is null ? "common" : Of.String(a[1]!))),
        ["format"] = ("*", null!),
        ["center"] = ("width", (_, v, a) => StringMethods.Center(Printing.Str(v), a[0] is null ? 80 : Of.Int(a[0]!), " ")),
        ["truncate"] = ("length killwords end leeway", (_, v, a) => Truncate(Printing.Str(v), a)),
        ["wordcount"] = ("", (_, v, _) => Of.Number(Words(Printing.Str(v)))),
        ["wordwrap"] = ("width break_long_words wrapstring break_on_hyphens", (_, v, a) => Wrap(Printing.Str(v), a[0] is null ? 79 : Of.Int(a[0]!), a[1] is null || Of.Truth(a[1]!), a[2] is null or None ? "\n" : Of.String(a[2]!))),
        ["urlencode"] = ("", (run, v, _) => UrlEncode(run, v)),
        ["striptags"] = ("", (_, v, _) => StripTags(Printing.Str(v))),
        ["filesizeformat"] = ("binary", (_, v, a) => FileSize(Of.Float(v), Filters.Flag(a[0]))),
        ["xmlattr"] = ("autospace", (_, v, a) => Attributes(v, a[0] is null || Of.Truth(a[0]!))),
        ["pprint"] = ("", (_, v, _) => Printing.Repr(v)),
    };

    static TemplateError Missing(string name) => new($"{name} lacks an argument");

    static TemplateError Wrong(string name, object value) => value is Undefined undefined ? undefined.Error : new($"{name} does not work on a {Of.Name(value)}");

    internal static Safe Escaped(object value) => value as Safe ?? new Safe(Printing.Str(value)
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal));

    // Words begin after white space and - ( { [ <.
    static string Title(string text)
    {
        var result = new StringBuilder();
        var first = true;
        foreach (var character in Of.Characters(text))
        {
            result.Append(first ? StringMethods.Upper(character) : StringMethods.Lower(character));
            first = character.Length == 1 && (Of.IsWhite(character[0]) || character[0] is '-' or '(' or '{' or '[' or '<');
        }
        return result.ToString();
    }

    static string Indent(string text, object? width, bool first, bool blank)
    {
        var count = width is null ? 4 : width is string or Safe ? 0 : Math.Max(0, Of.Int(width));
        Run.CheckLength(count);
        var space = width is string or Safe ? Of.String(width) : new string(' ', count);
        var lines = StringMethods.Lines(text + "\n");
        Run.CheckLength(text.Length + (long)lines.Count * space.Length);
        for (var i = 0; i < lines.Count; i++)
        {
            if (i == 0 ? first : blank || lines[i].Length > 0) lines[i] = space + lines[i];
        }
        return string.Join('\n', lines);
    }

    static string ToJson(Run run, object value, object?[] a)
    {
        var indent = a[1] switch { null or None => null, string text => text, var n => new string(' ', Math.Clamp(Of.Int(n), 0, Run.LongestText)) };
        var (item, key) = (indent is null ? ", " : ",", ": ");
        if (a[2] is not (null or None)) (item, key) = run.List(a[2]!) is [var x, var y] ? (Of.String(x), Of.String(y)) : throw new TemplateError("separators must be two");
        return new Printing.Json(Filters.Flag(a[0]), indent, item, key, Filters.Flag(a[3])).Dump(value);
    }

    static object Int(object value, object otherwise, int radix)
    {
        switch (value)
        {
            case Undefined or None: return otherwise;
            case double d: return double.IsFinite(d) ? new BigInteger(Math.Truncate(d)) : otherwise;
            case string or Safe:
                var text = StringMethods.Strip(Of.String(value), null, true, true);
                if (text.Length > 4300) return otherwise;
                if (radix == 10 && BigInteger.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n)) return n;
                if (radix != 10) return Radix(text, radix) is { } other ? other : otherwise;
                return Float(text, None.Value) is double real && double.IsFinite(real) ? new BigInteger(Math.Truncate(real)) : otherwise;
            default: return Of.Whole(value) is { } whole ? whole : otherwise;
        }
    }

    static BigInteger? Radix(string text, int radix)
    {
        var negative = text.StartsWith('-');
        text = text.TrimStart('+', '-').ToLowerInvariant();
        if (text.Length > 2 && text[0] == '0' && (radix, text[1]) is (16, 'x') or (8, 'o') or (2, 'b')) text = text[2..];
        var value = BigInteger.Zero;
        foreach (var c in text)
        {
            var digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetter(c) ? c - 'a' + 10 : 99;
            if (digit >= radix) return null;
            value = value * radix + digit;
        }
        return text.Length == 0 ? null : negative ? -value : value;
    }

    static object Float(object value, object otherwise) => value switch
    {
        string or Safe => double.TryParse(StringMethods.Strip(Of.String(value), null, true, true).Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out var d) ? d : otherwise,
        _ when Of.IsNumber(value) => Of.Float(value),
        _ => otherwise,
    };

    static object Round(object value, int precision, string method)
    {
        if (method is not ("common" or "ceil" or "floor")) throw new TemplateError("round knows 'common', 'ceil' and 'floor'");
        if (Math.Abs(precision) > 300) throw new TemplateError("a precision that is too large");
        if (!Of.IsNumber(value)) throw Wrong("round", value);
        if (method != "common")
        {
            var scaled = Of.Float(value) * Math.Pow(10, precision);
            return (method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / Math.Pow(10, precision);
        }
        if (value is not double real) return precision >= 0 ? Of.Whole(value)! : PythonFormat.RoundedScaled(Of.Float(value), precision) * BigInteger.Pow(10, -precision);
        if (!double.IsFinite(real)) return real;
        var rounded = PythonFormat.RoundedScaled(real, precision);
        return rounded.IsZero && double.IsNegative(real) ? -0.0 : double.Parse($"{Of.Invariant(rounded)}e{Of.Invariant(-precision)}", CultureInfo.InvariantCulture);
    }

    static string Truncate(string text, object?[] a)
    {
        var length = a[0] is null ? 255 : Of.Int(a[0]!);
        var end = a[2] is null ? "..." : Of.String(a[2]!);
        var leeway = a[3] is null or None ? 5 : Of.Int(a[3]!);
        if (length < end.Length || leeway < 0) throw new TemplateError("truncate to less than its end");
        var characters = Of.Characters(text).ToList();
        if (characters.Count <= (long)length + leeway) return text;
        var cut = string.Concat(characters.Take(length - end.Length));
        if (!Filters.Flag(a[1]) && cut.LastIndexOf(' ') is var at and >= 0) cut = cut[..at];
        return cut + end;
    }

    static int Words(string text)
    {
        var (count, inside) = (0, false);
        foreach (var c in text)
        {
            var word = char.IsLetterOrDigit(c) || c == '_';
            if (word && !inside) count++;
            inside = word;
        }
        return count;
    }

    // Greedy lines of words; a word that is too long is broken.
    static string Wrap(string text, int width, bool breakLong, string between)
    {
        if (width < 1) throw new TemplateError("a width below one");
        var lines = new List<string>();
        foreach (var paragraph in StringMethods.Lines(text))
        {
            var line = "";
            foreach (var part in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var word = part;
                if (line.Length > 0 && line.Length + 1 + word.Length > width)
                {
                    lines.Add(line);
                    line = "";
                }
                while (breakLong && word.Length > width)
                {
                    lines.Add(word[..width]);
                    word = word[width..];
                }
                line = line.Length == 0 ? word : $"{line} {word}";
            }
            lines.Add(line);
        }
        return StringMethods.Join(between, lines);
    }

    static string UrlEncode(Run run, object value)
    {
        if (value is not (Dict or Items)) return Quoted(Printing.Str(value)).Replace("%2F", "/", StringComparison.Ordinal);
        var pairs = value is Dict dict ? dict.Values.Select(p => (p.Key, p.Value)) : run.List(value).Select(p => run.List(p) is [var k, var v] ? (k, v) : throw new TemplateError("urlencode needs pairs"));
        return StringMethods.Join("&", pairs.Select(p => $"{Form(p.Item1)}={Form(p.Item2)}"));

        static string Form(object part) => Quoted(Printing.Str(part)).Replace("%20", "+", StringComparison.Ordinal);
        static string Quoted(string text) => Uri.EscapeDataString(text);
    }

    static string StripTags(string text)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var end = text[i] != '<' ? -1 : text.AsSpan(i).StartsWith("<!--") ? text.IndexOf("-->", i, StringComparison.Ordinal) + 2 : text.IndexOf('>', i);
            if (end > i) i = end;
            else result.Append(text[i]);
        }
        return string.Join(' ', result.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    static string FileSize(double bytes, bool binary)
    {
        var radix = binary ? 1024.0 : 1000.0;
        if (bytes == 1) return "1 Byte";
        if (bytes < radix) return $"{Of.Invariant(Math.Truncate(bytes))} Bytes";
        string[] units = binary ? ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] : ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
        var unit = 0;
        for (bytes /= radix; bytes >= radix && unit < units.Length - 1; bytes /= radix) unit++;
        return $"{bytes.ToString("F1", CultureInfo.InvariantCulture)} {units[unit]}";
    }

    static string Attributes(object value, bool space)
    {
        if (value is not Dict dict) throw Wrong("xmlattr", value);
        var parts = dict.Values.Where(p => p.Value is not (None or Undefined)).Select(p =>
            Printing.Str(p.Key).Any(c => Of.IsWhite(c) || c is '/' or '>' or '=') ? throw new TemplateError("a character that a name cannot have") : $"{Escaped(p.Key).Text}=\"{Escaped(p.Value).Text}\"");
        var text = StringMethods.Join(" ", parts);
        return space && text.Length > 0 ? " " + text : text;
    }
}
