// The functions that every template can call.
using System.Globalization;
using System.Numerics;

namespace Aerie.Text.Templates;

static class Globals
{
    static readonly Dictionary<string, Function> All = new[]
    {
        new Function("raise_exception", a => throw new TemplateError(Printing.Str(a.Bind("raise_exception", "message")[0] ?? ""))),
        new Function("strftime_now", a => Strftime(a.Run.Now, a.Bind("strftime_now", "format")[0] as string ?? throw new TemplateError("strftime_now() needs a format"))),
        new Function("range", Range),
        new Function("namespace", Namespace),
        new Function("cycler", Cycler),
        new Function("joiner", Joiner),
        new Function("lipsum", _ => "Lorem ipsum dolor sit amet."),
    }.ToDictionary(f => f.Name);

    static readonly Thing DictType = new("dict", name => name == "fromkeys" ? new Function(name, FromKeys) : null, Dict);

    internal static object? Find(string name) => name switch
    {
        "dict" => DictType,
        "self" => new Thing(name, _ => null),
        _ => All.GetValueOrDefault(name),
    };

    static Dict FromKeys(Arguments arguments)
    {
        var (given, dict) = (arguments.Bind("fromkeys", "iterable value"), new Dict());
        foreach (var key in arguments.Run.List(given[0] ?? throw new TemplateError("fromkeys() without keys"))) dict.Put(key, given[1] ?? None.Value);
        return dict;
    }

    static NumberRange Range(Arguments arguments)
    {
        if (arguments.Named.Count > 0 || arguments.Positional.Count is 0 or > 3) throw new TemplateError("range() takes one to three arguments");
        var n = arguments.Positional.ConvertAll(v => v is Undefined undefined ? throw undefined.Error : Of.Whole(v) ?? throw new TemplateError($"range() needs ints, not {Of.Name(v)}"));
        var (start, stop, step) = n.Count == 1 ? (0, n[0], BigInteger.One) : (n[0], n[1], n.Count == 3 ? n[2] : 1);
        if (step.IsZero) throw new TemplateError("range() with a step of zero");
        var count = BigInteger.Max(0, (stop - start + step - step.Sign) / step);
        return count <= 100_000 ? new NumberRange(start, (int)count, step) : throw new TemplateError("a range of more than 100000");
    }

    static Namespace Namespace(Arguments arguments)
    {
        var space = new Namespace();
        foreach (var (key, value) in Dict(arguments).Values) space.Values[Of.String(key) is [not '_', ..] name ? name : throw new TemplateError("a namespace's names do not begin with _")] = value;
        return space;
    }

    static Dict Dict(Arguments arguments)
    {
        var dict = new Dict();
        foreach (var given in arguments.Positional)
        {
            if (given is Dict other) foreach (var (key, value) in other.Values) dict.Put(key, value);
            else foreach (var pair in arguments.Run.List(given))
            {
                var parts = arguments.Run.List(pair);
                if (parts.Count != 2) throw new TemplateError("dict() needs pairs");
                dict.Put(parts[0], parts[1]);
            }
        }
        foreach (var (name, value) in arguments.Named) dict.Put(name, value);
        return dict;
    }

    static Thing Cycler(Arguments arguments)
    {
        var items = arguments.Positional;
        if (items.Count == 0) throw new TemplateError("cycler() without items");
        var at = 0;
        return new Thing("cycler", name => name switch
        {
            "next" => new Function("next", _ => items[at++ % items.Count]),
            "reset" => new Function("reset", _ =>
            {
                at = 0;
                return None.Value;
            }),
            "current" => items[at % items.Count],
            _ => null,
        });
    }

    static Thing Joiner(Arguments arguments)
    {
        var separator = arguments.Bind("joiner", "sep")[0] ?? ", ";
        var used = false;
        return new Thing("joiner", _ => null, _ =>
        {
            var first = !used;
            used = true;
            return first ? "" : separator;
        });
    }

    // C locale.
    static string Strftime(DateTime now, string format)
    {
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 >= format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            var plain = format[i + 1] == '-' && i + 2 < format.Length;      // %-d: without leading zero
            if (plain) i++;
            var part = Part(now, format[++i]);
            text.Append(plain && part.Length > 1 ? part.TrimStart('0') is { Length: > 0 } rest ? rest : "0" : part);
        }
        return text.ToString();
    }

    static string Part(DateTime now, char code)
    {
        return code switch
        {
            'Y' => now.Year.ToString("0000", CultureInfo.InvariantCulture),
            'y' => Net("yy"),
            'm' => Net("MM"),
            'd' => Net("dd"),
            'e' => now.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
            'H' => Net("HH"),
            'I' => Net("hh"),
            'M' => Net("mm"),
            'S' => Net("ss"),
            'f' => Net("ffffff"),
            'p' => now.Hour < 12 ? "AM" : "PM",
            'B' => Net("MMMM"),
            'b' or 'h' => Net("MMM"),
            'A' => Net("dddd"),
            'a' => Net("ddd"),
            'j' => now.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'w' => ((int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", CultureInfo.InvariantCulture),
            'W' => ((now.DayOfYear + 6 - ((int)now.DayOfWeek + 6) % 7) / 7).ToString("00", CultureInfo.InvariantCulture),
            'F' => Net("yyyy-MM-dd"),
            'D' or 'x' => Net("MM/dd/yy"),
            'T' or 'X' => Net("HH:mm:ss"),
            'R' => Net("HH:mm"),
            'c' => $"{Net("ddd MMM")} {now.Day,2} {Net("HH:mm:ss yyyy")}",
            'Z' or 'z' => "",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => $"%{code}",
        };

        string Net(string format) => now.ToString(format, CultureInfo.InvariantCulture);
    }
}
