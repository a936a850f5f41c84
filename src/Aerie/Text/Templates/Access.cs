// a.b, a['b'], a[1:2]. An attribute is a method first, then a key; an item is a key first. Names with a leading underscore are
// no attributes, and what would change a list or dict is not there.
using System.Numerics;

namespace Aerie.Text.Templates;

static class Access
{
    static readonly string[] Changing = ["append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault", "popitem", "add", "discard"];

    internal static object Attribute(Run run, object body, string name) => Method(run, body, name) ?? Key(body, name) ?? Missing(body, name);

    internal static object Item(Run run, object body, object key) => Key(body, key) ?? (key is string name ? Method(run, body, name) : null) ?? Missing(body, key);

    static object? Method(Run run, object body, string name)
    {
        if (name.StartsWith('_')) return null;
        if (body is Items or Dict && Changing.Contains(name)) return new Undefined($"'{name}' would change a {Of.Name(body)}, which a template may not");
        return body switch
        {
            Undefined undefined => throw undefined.Error,
            Namespace space => space.Values.GetValueOrDefault(name),
            Thing thing => thing.Attribute(name),
            string or Safe => StringMethods.Find(run, Of.String(body), name),
            Dict dict => ObjectMethods.Find(dict, name),
            Items list => ObjectMethods.Find(list, name),
            BigInteger or double or bool => ObjectMethods.FindNumber(body, name),
            _ => null,
        };
    }

    static object? Key(object body, object key) => body switch
    {
        Undefined undefined => throw undefined.Error,
        Dict dict => key is Items { IsTuple: false } or Dict or Undefined ? null : dict.Find(key),
        Items list => Of.Whole(key) is { } index ? At(list.Values, index) : null,
        string or Safe => Of.Whole(key) is { } index ? At([.. Of.Characters(Of.String(body))], index) : null,
        NumberRange range => Of.Whole(key) is { } index ? At([.. range.Values], index) : null,
        _ => null,
    };

    static object? At(List<object> list, BigInteger index)
    {
        if (index.Sign < 0) index += list.Count;
        return index.Sign >= 0 && index < list.Count ? list[(int)index] : null;
    }

    static Undefined Missing(object body, object key) => new($"'{Of.Name(body)} object' has no {(key is string ? "attribute" : "element")} {Printing.Repr(key)}");

    internal static object Slice(object body, int? from, int? to, int? by)
    {
        if (body is Undefined undefined) throw undefined.Error;
        List<object>? list = body switch
        {
            Items items => items.Values,
            string or Safe => [.. Of.Characters(Of.String(body))],
            NumberRange range => [.. range.Values],
            _ => null,
        };
        if (list is null) return new Undefined($"a {Of.Name(body)} cannot be sliced");
        var step = by ?? 1;
        if (step == 0) throw new TemplateError("a slice with a step of zero");
        var (low, high) = step > 0 ? (0, list.Count) : (-1, list.Count - 1);
        var start = from is { } f ? Math.Clamp(f < 0 ? f + list.Count : f, low, high) : step > 0 ? low : high;
        var end = to is { } t ? Math.Clamp(t < 0 ? t + list.Count : t, low, high) : step > 0 ? high : low;
        var result = new List<object>();
        for (long i = start; step > 0 ? i < end : i > end; i += step) result.Add(list[(int)i]);
        return body is string or Safe ? string.Concat(result) : new Items(result, body is Items { IsTuple: true });
    }
}
