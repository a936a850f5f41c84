// How values print: Python's str and repr, and json.dumps as transformers' tojson has it.
using System.Globalization;
using System.Numerics;
using System.Text;
using Aerie.Formats;

namespace Aerie.Text.Templates;

static class Printing
{
    /// <summary>Python's str(); undefined prints as nothing.</summary>
    internal static string Str(object value) => value switch
    {
        string text => text,
        Safe safe => safe.Text,
        Undefined => "",
        _ => Repr(new StringBuilder(), value).ToString(),
    };

    internal static string Repr(object value) => Repr(new StringBuilder(), value).ToString();

    static StringBuilder Repr(StringBuilder to, object value)
    {
        Of.Deep();
        Run.CheckLength(to.Length);
        switch (value)
        {
            case None: return to.Append("None");
            case bool b: return to.Append(b ? "True" : "False");
            case BigInteger n: return to.Append(Of.Invariant(n));
            case double d: return to.Append(Float(d));
            case string text: return Quote(to, text);
            case Safe safe: return Quote(to.Append("Markup("), safe.Text).Append(')');
            case Undefined: return to.Append("Undefined");
            case NumberRange r: return to.Append(CultureInfo.InvariantCulture, $"range({r.Start}, {r.Start + r.Count * r.Step}{(r.Step.IsOne ? "" : $", {r.Step}")})");
            case Items list:
                to.Append(list.IsTuple ? '(' : '[');
                for (var i = 0; i < list.Values.Count; i++) Repr(i == 0 ? to : to.Append(", "), list.Values[i]);
                if (list is { IsTuple: true, Values.Count: 1 }) to.Append(',');
                return to.Append(list.IsTuple ? ')' : ']');
            case Dict dict:
                to.Append('{');
                var first = true;
                foreach (var (key, item) in dict.Values)
                {
                    if (!first) to.Append(", ");
                    first = false;
                    Repr(Repr(to, key).Append(": "), item);
                }
                return to.Append('}');
            case Namespace space:
                var all = new Dict();
                foreach (var (key, item) in space.Values) all.Put(key, item);
                return Repr(to.Append("<Namespace "), all).Append('>');
            default: return to.Append('<').Append(Of.Name(value)).Append('>');
        }
    }

    // Python's repr of a float: the shortest digits, plain from 1e-4 up to 1e16.
    internal static string Float(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        if (value == 0) return double.IsNegative(value) ? "-0.0" : "0.0";
        var text = value.ToString("E16", CultureInfo.InvariantCulture);
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        // Digits and exponent, however "R" writes them.
        var digits = new string([.. shortest.TakeWhile(c => c != 'E').Where(char.IsAsciiDigit)]).TrimStart('0').TrimEnd('0');
        var exponent = int.Parse(text[(text.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture);
        // E16 may round up to the next power of ten where the shortest form does not, or the other way round.
        if (double.Parse(Scientific(digits, exponent), CultureInfo.InvariantCulture) != Math.Abs(value)) exponent += Math.Abs(value) < double.Parse(Scientific(digits, exponent), CultureInfo.InvariantCulture) ? -1 : 1;
        var sign = value < 0 ? "-" : "";
        if (exponent is < -4 or >= 16)
            return $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
        if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
        digits = digits.PadRight(exponent + 1, '0');
        return $"{sign}{digits[..(exponent + 1)]}.{(digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0")}";
    }

    static string Scientific(string digits, int exponent) => string.Create(CultureInfo.InvariantCulture, $"{digits[0]}.{digits[1..]}0E{exponent}");

    static StringBuilder Quote(StringBuilder to, string text)
    {
        var quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        to.Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            var c = rune.Value;
            _ = c switch
            {
                '\\' => to.Append("\\\\"),
                '\n' => to.Append("\\n"),
                '\r' => to.Append("\\r"),
                '\t' => to.Append("\\t"),
                _ when c == quote => to.Append('\\').Append(quote),
                _ when Printable(rune) => to.Append(rune.ToString()),
                <= 0xFF => to.Append("\\x").Append(c.ToString("x2", CultureInfo.InvariantCulture)),
                <= 0xFFFF => to.Append("\\u").Append(c.ToString("x4", CultureInfo.InvariantCulture)),
                _ => to.Append("\\U").Append(c.ToString("x8", CultureInfo.InvariantCulture)),
            };
        }
        return to.Append(quote);
    }

    static bool Printable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>json.dumps.</summary>
    /// <param name="Indent">Null for one line.</param>
    internal sealed record Json(bool EnsureAscii, string? Indent, string ItemSeparator, string KeySeparator, bool SortKeys)
    {
        internal string Dump(object value)
        {
            var to = new StringBuilder();
            Write(to, value, 0);
            return to.ToString();
        }

        void Write(StringBuilder to, object value, int depth)
        {
            Of.Deep();
            Run.CheckLength(to.Length);
            switch (value)
            {
                case None: to.Append("null"); break;
                case bool b: to.Append(b ? "true" : "false"); break;
                case BigInteger n: to.Append(Of.Invariant(n)); break;
                case double d: to.Append(JsonFloat(d)); break;
                case string text: Text(to, text); break;
                case Safe safe: Text(to, safe.Text); break;
                case Items list: List(to, '[', ']', list.Values, depth, item => Write(to, item, depth + 1)); break;
                case Dict dict:
                    IEnumerable<KeyValuePair<object, object>> pairs = dict.Values;
                    if (SortKeys) pairs = pairs.OrderBy(p => p.Key, Comparer<object>.Create(Of.Compare));
                    List(to, '{', '}', [.. pairs], depth, pair =>
                    {
                        Text(to, Key(pair.Key));
                        to.Append(KeySeparator);
                        Write(to, pair.Value, depth + 1);
                    });
                    break;
                case Undefined undefined: throw undefined.Error;
                default: throw new TemplateError($"a {Of.Name(value)} is not JSON serializable");
            }
        }

        void List<T>(StringBuilder to, char open, char close, IReadOnlyCollection<T> items, int depth, Action<T> write)
        {
            to.Append(open);
            var first = true;
            foreach (var item in items)
            {
                if (!first) to.Append(ItemSeparator);
                first = false;
                Line(to, depth + 1);
                write(item);
            }
            if (!first) Line(to, depth);
            to.Append(close);
        }

        void Line(StringBuilder to, int depth)
        {
            if (Indent is null) return;
            to.Append('\n');
            Run.CheckLength(to.Length + (long)depth * Indent.Length);
            for (var i = 0; i < depth; i++) to.Append(Indent);
        }

        static string Key(object key) => key switch
        {
            string text => text,
            Safe safe => safe.Text,
            None => "null",
            bool b => b ? "true" : "false",
            BigInteger n => Of.Invariant(n),
            double d => JsonFloat(d),
            _ => throw new TemplateError($"a {Of.Name(key)} cannot be a key in JSON"),
        };

        static string JsonFloat(double value) => double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? (value > 0 ? "Infinity" : "-Infinity") : Float(value);

        void Text(StringBuilder to, string text)
        {
            var start = to.Length;
            to.AppendJson(text);
            if (!EnsureAscii) return;
            var plain = to.ToString(start, to.Length - start);
            to.Length = start;
            foreach (var c in plain)
            {
                if (c < 0x7F) to.Append(c);
                else if (c == 0x7F) to.Append(c);
                else to.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            }
        }
    }
}
