// '%5.2f' % x and '{:>4}'.format(x), as far as templates use them; widths are limited like every text.
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Aerie.Text.Templates;

static class PythonFormat
{
    /// <param name="Type">s, r, d, f, e, g, x, X, o, b, c or nothing.</param>
    readonly record struct Spec(string Fill, char Align, char Sign, bool Alternate, bool Zero, int Width, char Group, int Precision, char Type);

    internal static string Percent(string format, object right)
    {
        var result = new StringBuilder();
        var values = right is Items { IsTuple: true } tuple ? tuple.Values : [right];
        var used = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                result.Append(format[i]);
                continue;
            }
            if (++i >= format.Length) throw new TemplateError("an incomplete format");
            if (format[i] == '%')
            {
                result.Append('%');
                continue;
            }
            object? named = null;
            if (format[i] == '(')
            {
                var end = format.IndexOf(')', i);
                if (end < 0 || right is not Dict dict) throw new TemplateError("a format with names needs a dict");
                named = dict.Find(format[(i + 1)..end]) ?? throw new TemplateError($"the format needs {format[(i + 1)..end]}");
                i = end + 1;
            }
            var (align, sign, zero, alternate) = ('>', '-', false, false);
            for (; i < format.Length && "-+ #0".Contains(format[i], StringComparison.Ordinal); i++)
            {
                if (format[i] == '-') align = '<';
                else if (format[i] == '0') zero = true;
                else if (format[i] == '#') alternate = true;
                else sign = format[i];
            }
            var width = Number(format, ref i) ?? 0;
            int? precision = null;
            if (i < format.Length && format[i] == '.')
            {
                i++;
                precision = Number(format, ref i) ?? 0;
            }
            if (i >= format.Length) throw new TemplateError("an incomplete format");
            var value = named ?? (used < values.Count ? values[used++] : throw new TemplateError("not enough values for the format"));
            var type = format[i] is 'i' or 'u' ? 'd' : format[i];
            if (!"srdfFeEgGxXoc".Contains(type, StringComparison.Ordinal)) throw new TemplateError($"the format %{type} is not supported");
            if (type == 'd' && value is double real) value = new BigInteger(Math.Truncate(real));
            result.Append(One(value, new Spec(" ", align, sign, alternate, zero && align == '>', width, ' ', precision ?? -1, type)));
            Run.CheckLength(result.Length);
        }
        if (used < values.Count && right is not Dict) throw new TemplateError("not all values are used by the format");
        return result.ToString();
    }

    static int? Number(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at])) at++;
        return at == start ? null : int.TryParse(text.AsSpan(start, at - start), CultureInfo.InvariantCulture, out var n) ? n : throw new TemplateError("a width that is too large");
    }

    internal static string Format(Run run, string format, Arguments arguments)
    {
        var result = new StringBuilder();
        var auto = 0;
        for (var i = 0; i < format.Length; i++)
        {
            var c = format[i];
            if (c is '{' or '}' && i + 1 < format.Length && format[i + 1] == c) i++;
            else if (c == '}') throw new TemplateError("a single '}' in a format");
            else if (c == '{')
            {
                var end = format.IndexOf('}', i);
                if (end < 0) throw new TemplateError("a single '{' in a format");
                var field = format[(i + 1)..end];
                if (field.Contains('{', StringComparison.Ordinal)) throw new TemplateError("fields in fields are not supported");
                result.Append(Field(run, field, arguments, ref auto));
                Run.CheckLength(result.Length);
                i = end;
                continue;
            }
            result.Append(c);
        }
        return result.ToString();
    }

    static string Field(Run run, string field, Arguments arguments, ref int auto)
    {
        var colon = field.IndexOf(':', StringComparison.Ordinal);
        var (name, spec) = colon < 0 ? (field, "") : (field[..colon], field[(colon + 1)..]);
        var conversion = name.Length >= 2 && name[^2] == '!' ? name[^1] : ' ';
        if (conversion != ' ') name = name[..^2];
        var head = new string([.. name.TakeWhile(c => c is not ('.' or '['))]);
        object? value = head.Length == 0 ? arguments.Positional.ElementAtOrDefault(auto++)
            : int.TryParse(head, CultureInfo.InvariantCulture, out var index) ? arguments.Positional.ElementAtOrDefault(index)
            : arguments.Named.Find(n => n.Name == head).Value;
        if (value is null) throw new TemplateError($"no value for the field '{head}'");
        foreach (var part in name[head.Length..].Split(['.', '['], StringSplitOptions.RemoveEmptyEntries))
            value = part.EndsWith(']') ? Access.Item(run, value, int.TryParse(part[..^1], CultureInfo.InvariantCulture, out var at) ? Of.Number(at) : part[..^1]) : Access.Attribute(run, value, part);
        if (conversion == 'r') value = Printing.Repr(value);
        else if (conversion == 's') value = Printing.Str(value);
        return One(value, Read(spec, value));
    }

    // [[fill]align][sign][#][0][width][,][.precision][type]
    static Spec Read(string text, object value)
    {
        var at = 0;
        var (fill, align) = (" ", Of.IsNumber(value) && value is not bool ? '>' : '<');
        var characters = Of.Characters(text).ToList();
        if (characters.Count >= 2 && characters[1] is "<" or ">" or "^" or "=") (fill, align, at) = (characters[0], characters[1][0], characters[0].Length + 1);
        else if (text is ['<' or '>' or '^' or '=', ..]) (align, at) = (text[0], 1);
        var sign = at < text.Length && text[at] is '+' or '-' or ' ' ? text[at++] : '-';
        var alternate = at < text.Length && text[at] == '#' && at++ >= 0;
        var zero = at < text.Length && text[at] == '0' && at++ >= 0;
        var width = Number(text, ref at) ?? 0;
        var group = at < text.Length && text[at] is ',' or '_' ? text[at++] : ' ';
        var precision = -1;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            precision = Number(text, ref at) ?? throw new TemplateError("a format without its precision");
        }
        var type = at < text.Length ? text[at++] : ' ';
        if (at < text.Length || !" sdfFeEgGxXobc%".Contains(type, StringComparison.Ordinal)) throw new TemplateError($"the format '{text}' is not supported");
        return new Spec(fill, align, sign, alternate, zero, width, group, precision, type);
    }

    static string One(object value, Spec spec)
    {
        Run.CheckLength(spec.Width);
        if (spec.Precision > 1000) throw new TemplateError("a precision that is too large");
        var number = spec.Type is not ('s' or 'r' or ' ' or 'c') || (spec.Type == ' ' && Of.IsNumber(value) && value is not bool);
        if (!number)
        {
            var text = spec.Type == 'r' ? Printing.Repr(value) : spec.Type == 'c' && Of.Whole(value) is { } code ? char.ConvertFromUtf32((int)code) : Printing.Str(value);
            if (spec.Precision >= 0) text = string.Concat(Of.Characters(text).Take(spec.Precision));
            return Padded(text, spec);
        }
        if (value is Undefined undefined) throw undefined.Error;
        if (!Of.IsNumber(value)) throw new TemplateError($"a number is needed for the format, not {Of.Name(value)}");
        var (digits, negative) = Digits(value, spec);
        var sign = negative ? "-" : spec.Sign == '-' ? "" : spec.Sign.ToString();
        if (spec.Zero || spec.Align == '=') return sign + StringMethods.Pad(digits, spec.Width - sign.Length, spec.Zero ? "0" : spec.Fill, 1);
        return Padded(sign + digits, spec);
    }

    static string Padded(string text, Spec spec) => spec.Align switch
    {
        '^' => StringMethods.Pad(StringMethods.Pad(text, Of.Length(text.AsSpan()) + Math.Max(0, spec.Width - Of.Length(text.AsSpan())) / 2, spec.Fill, 1), spec.Width, spec.Fill, 0),
        '<' => StringMethods.Pad(text, spec.Width, spec.Fill, 0),
        _ => StringMethods.Pad(text, spec.Width, spec.Fill, 1),
    };

    static (string Digits, bool Negative) Digits(object value, Spec spec)
    {
        var c = CultureInfo.InvariantCulture;
        if (spec.Type is 'd' or 'x' or 'X' or 'o' or 'b' || (spec.Type == ' ' && spec.Precision < 0 && value is not double))
        {
            var n = Of.Whole(value) ?? throw new TemplateError("an int is needed for the format");
            var size = BigInteger.Abs(n);
            var digits = spec.Type switch { 'x' => Radix(size, 16), 'X' => Radix(size, 16).ToUpperInvariant(), 'o' => Radix(size, 8), 'b' => Radix(size, 2), _ => size.ToString(c) };
            if (spec.Alternate && spec.Type is 'x' or 'X' or 'o' or 'b') digits = $"0{spec.Type}{digits}";
            return (Grouped(digits, spec.Group), n.Sign < 0);
        }
        var real = Of.Float(value);
        var (abs, negative) = (Math.Abs(real), double.IsNegative(real));
        if (!double.IsFinite(real)) return (double.IsNaN(real) ? "nan" : "inf", negative);
        var precision = spec.Precision < 0 ? 6 : spec.Precision;
        var text = spec.Type switch
        {
            'f' or 'F' => Fixed(abs, precision),
            '%' => Fixed(abs * 100, precision) + "%",
            'e' or 'E' => Exponent(abs, precision, spec.Type),
            ' ' when spec.Precision < 0 => Printing.Float(abs),
            _ => General(abs, Math.Max(1, precision), spec.Type),
        };
        return (Grouped(text, spec.Group), negative);
    }

    static string Radix(BigInteger n, int radix)
    {
        if (n.IsZero) return "0";
        var digits = new StringBuilder();
        for (; !n.IsZero; n /= radix) digits.Insert(0, "0123456789abcdef"[(int)(n % radix)]);
        return digits.ToString();
    }

    static string Grouped(string digits, char group)
    {
        if (group == ' ') return digits;
        var whole = digits.TakeWhile(char.IsAsciiHexDigit).Count();
        var result = new StringBuilder(digits);
        for (var i = whole - 3; i > 0; i -= 3) result.Insert(i, group);
        return result.ToString();
    }

    // Halves go to the even digit, on the exact value of the double.
    static string Fixed(double value, int precision)
    {
        var scaled = RoundedScaled(value, precision).ToString(CultureInfo.InvariantCulture).PadLeft(precision + 1, '0');
        return precision == 0 ? scaled : $"{scaled[..^precision]}.{scaled[^precision..]}";
    }

    static string Exponent(double value, int precision, char letter)
    {
        var exponent = value == 0 ? 0 : int.Parse(value.ToString("E" + precision, CultureInfo.InvariantCulture).Split('E')[1], CultureInfo.InvariantCulture);
        var mantissa = value.ToString("E" + precision, CultureInfo.InvariantCulture).Split('E')[0];
        return $"{mantissa}{letter}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
    }

    static string General(double value, int precision, char type)
    {
        var exponent = value == 0 ? 0 : int.Parse(value.ToString("E" + (precision - 1), CultureInfo.InvariantCulture).Split('E')[1], CultureInfo.InvariantCulture);
        var text = exponent < -4 || exponent >= precision ? Exponent(value, precision - 1, type == 'G' ? 'E' : 'e') : Fixed(value, precision - 1 - exponent);
        var e = text.IndexOfAny(['e', 'E']);
        var (digits, tail) = e < 0 ? (text, "") : (text[..e], text[e..]);
        if (digits.Contains('.', StringComparison.Ordinal)) digits = digits.TrimEnd('0').TrimEnd('.');
        return digits + tail;
    }

    /// <summary>value x 10^digits as the nearest whole number, halves to even.</summary>
    internal static BigInteger RoundedScaled(double value, int digits)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        exponent = Math.Max(exponent, 1) - 1075;
        var top = mantissa * BigInteger.Pow(10, Math.Max(0, digits)) * (exponent > 0 ? BigInteger.Pow(2, exponent) : 1);
        var bottom = BigInteger.Pow(10, Math.Max(0, -digits)) * (exponent < 0 ? BigInteger.Pow(2, -exponent) : 1);
        var quotient = BigInteger.DivRem(top, bottom, out var rest);
        var half = (rest * 2).CompareTo(bottom);
        if (half > 0 || (half == 0 && !quotient.IsEven)) quotient++;
        return bits < 0 ? -quotient : quotient;
    }
}
