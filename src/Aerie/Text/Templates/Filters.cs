// The filters after `|`: the table of all, and those that work on lists.
using System.Numerics;

namespace Aerie.Text.Templates;

/// <param name="run">The rendering.</param>
/// <param name="value">What is before the `|`.</param>
/// <param name="a">The arguments in the order of the parameters; null where none is given.</param>
delegate object FilterBody(Run run, object value, object?[] a);

static class Filters
{
    static readonly Dictionary<string, (string Parameters, FilterBody Call)> All = new()
    {
        ["default"] = ("default_value boolean", (_, v, a) => v is Undefined || (a[1] is { } also && Of.Truth(also) && !Of.Truth(v)) ? a[0] ?? "" : v),
        ["length"] = ("", (_, v, _) => v is Lazy ? throw new TemplateError("a generator has no length") : Of.Number(Of.Length(v))),
        ["list"] = ("", (run, v, _) => new Items(run.List(v))),
        ["first"] = ("", (_, v, _) => Of.Iterate(v).FirstOrDefault() ?? new Undefined("no first item: the sequence is empty")),
        ["last"] = ("", (run, v, _) => run.List(v).LastOrDefault() ?? new Undefined("no last item: the sequence is empty")),
        ["random"] = ("", (run, v, _) => run.List(v) is { Count: > 0 } list ? list[0] : new Undefined("no random item: the sequence is empty")),
        ["items"] = ("", (_, v, _) => v switch
        {
            Undefined => new Items([]),
            Dict dict => new Items([.. dict.Values.Select(Pair)]),
            _ => throw new TemplateError($"items needs a dict, not {Of.Name(v)}"),
        }),
        ["join"] = ("d attribute", (run, v, a) => run.Made(StringMethods.Join(a[0] is null ? "" : Printing.Str(a[0]!), run.List(v).Select(item => Printing.Str(a[1] is null ? item : Path(run, item, a[1]!)))))),
        ["sort"] = ("reverse case_sensitive attribute", (run, v, a) => Sorted(run, run.List(v), Key(run, a[1], a[2]), Flag(a[0]))),
        ["unique"] = ("case_sensitive attribute", (run, v, a) => Unique(run.List(v), Key(run, a[0], a[1]))),
        ["min"] = ("case_sensitive attribute", (run, v, a) => Extreme(run.List(v), Key(run, a[0], a[1]), -1)),
        ["max"] = ("case_sensitive attribute", (run, v, a) => Extreme(run.List(v), Key(run, a[0], a[1]), 1)),
        ["sum"] = ("attribute start", (run, v, a) => run.List(v).Select(item => a[0] is null or None ? item : Path(run, item, a[0]!)).Aggregate(a[1] ?? BigInteger.Zero, (x, y) => Operators.Apply(run, "+", x, y))),
        ["dictsort"] = ("case_sensitive by reverse", (run, v, a) => DictSort(run, v, a)),
        ["reverse"] = ("", (run, v, _) => Reversed(run, v)),
        ["batch"] = ("linecount fill_with", (run, v, a) => Batch(run.List(v), Of.Int(a[0] ?? throw Missing("batch")), a[1])),
        ["slice"] = ("slices fill_with", (run, v, a) => Slices(run.List(v), Of.Int(a[0] ?? throw Missing("slice")), a[1])),
        ["groupby"] = ("attribute default case_sensitive", (run, v, a) => Groups(run, v, a)),
        ["attr"] = ("name", (run, v, a) => v is Dict ? new Undefined("a key is no attribute") : Access.Attribute(run, v, Of.String(a[0] ?? throw Missing("attr")))),
        ["map"] = ("*", null!),
        ["select"] = ("*", null!),
        ["reject"] = ("*", null!),
        ["selectattr"] = ("*", null!),
        ["rejectattr"] = ("*", null!),
    };

    static readonly Dictionary<string, string> Others = new() { ["d"] = "default", ["count"] = "length", ["e"] = "escape" };

    static (string Parameters, FilterBody Call)? Find(string name)
    {
        name = Others.GetValueOrDefault(name, name);
        return All.TryGetValue(name, out var here) ? here : TextFilters.All.TryGetValue(name, out var text) ? text : null;
    }

    internal static bool Exists(string name) => Find(name) is not null;

    internal static object Apply(string name, object value, Arguments arguments)
    {
        if (Find(name) is not { } filter) throw new TemplateError($"there is no filter '{name}'");
        return name switch
        {
            "map" => new Lazy(Mapped(value, arguments)),
            "select" or "reject" => new Lazy(Chosen(value, arguments, attribute: false, name == "select")),
            "selectattr" or "rejectattr" => new Lazy(Chosen(value, arguments, attribute: true, name == "selectattr")),
            "format" => arguments.Run.Made(PythonFormat.Percent(Of.String(value), arguments.Positional.Count > 0 ? new Items(arguments.Positional, isTuple: true) : Named(arguments))),
            _ => filter.Call(arguments.Run, value, arguments.Bind(name, filter.Parameters)),
        };
    }

    static Dict Named(Arguments arguments)
    {
        var dict = new Dict();
        foreach (var (name, value) in arguments.Named) dict.Put(name, value);
        return dict;
    }

    // map('filter', ...) or map(attribute='a.b', default=...).
    static IEnumerable<object> Mapped(object value, Arguments arguments)
    {
        var run = arguments.Run;
        var attribute = arguments.Named.Find(n => n.Name == "attribute").Value;
        if (attribute is not null && arguments.Positional.Count == 0)
        {
            var otherwise = arguments.Named.Find(n => n.Name == "default").Value;
            return run.List(value).Select(item => Path(run, item, attribute) is var found && found is Undefined && otherwise is not null ? otherwise : found);
        }
        if (arguments.Positional is not [var name, .. var rest]) throw new TemplateError("map needs a filter or an attribute");
        return run.List(value).Select(item => Apply(Of.String(name), item, arguments with { Positional = [.. rest] }));
    }

    static IEnumerable<object> Chosen(object value, Arguments arguments, bool attribute, bool wanted)
    {
        var (run, rest) = (arguments.Run, arguments.Positional);
        if (attribute && rest.Count == 0) throw new TemplateError("the attribute is missing");
        var tested = attribute ? rest[0] : null;
        if (attribute) rest = rest[1..];
        return run.List(value).Where(item =>
        {
            var subject = tested is null ? item : Path(run, item, tested);
            return wanted == (rest is [var name, .. var others] ? Tests.Apply(Of.String(name), subject, arguments with { Positional = [.. others] }) : Of.Truth(subject));
        });
    }

    static TemplateError Missing(string name) => new($"{name} lacks an argument");

    static Items Pair(KeyValuePair<object, object> pair) => new([pair.Key, pair.Value], isTuple: true);

    internal static bool Flag(object? value) => value is not null && Of.Truth(value);

    // An item by 'a.b.0', or by an int.
    static object Path(Run run, object item, object path)
    {
        if (path is not (string or Safe)) return Access.Item(run, item, path);
        foreach (var part in Of.String(path).Split('.')) item = Access.Item(run, item, part.Length > 0 && part.All(char.IsAsciiDigit) ? BigInteger.Parse(part, System.Globalization.CultureInfo.InvariantCulture) : part);
        return item;
    }

    // What is compared: an attribute (several with commas), strings without case unless it matters.
    static Func<object, object> Key(Run run, object? caseSensitive, object? attribute)
    {
        object Fold(object value) => value is string text && !Flag(caseSensitive) ? StringMethods.Lower(text) : value;
        if (attribute is null or None) return Fold;
        if (attribute is not string text || !text.Contains(',', StringComparison.Ordinal)) return item => Fold(Path(run, item, attribute));
        return item => new Items([.. text.Split(',').Select(part => Fold(Path(run, item, part)))]);
    }

    static Items Sorted(Run run, List<object> list, Func<object, object> key, bool reverse)
    {
        foreach (var _ in list) run.Step();
        var order = Comparer<object>.Create(Of.Compare);
        try
        {
            return new Items([.. reverse ? list.AsEnumerable().Reverse().OrderBy(key, order).Reverse() : list.OrderBy(key, order)]);
        }
        catch (InvalidOperationException problem) when (problem.InnerException is TemplateError inner)
        {
            throw inner;
        }
    }

    static Lazy Unique(List<object> list, Func<object, object> key)
    {
        var seen = new Dict();
        return new Lazy(list.FindAll(item =>
        {
            var k = key(item);
            if (seen.Find(k) is not null) return false;
            seen.Put(k, true);
            return true;
        }));
    }

    static object Extreme(List<object> list, Func<object, object> key, int sign)
    {
        if (list.Count == 0) return new Undefined("no item: the sequence is empty");
        return list.Aggregate((best, item) => sign * Of.Compare(key(item), key(best)) > 0 ? item : best);
    }

    static Items DictSort(Run run, object value, object?[] a)
    {
        if (value is not Dict dict) throw new TemplateError($"dictsort needs a dict, not {Of.Name(value)}");
        var by = a[1] is null ? "key" : Of.String(a[1]!);
        if (by is not ("key" or "value")) throw new TemplateError("dictsort sorts by 'key' or 'value'");
        var fold = Key(run, a[0], null);
        return Sorted(run, [.. dict.Values.Select(Pair)], pair => fold(((Items)pair).Values[by == "key" ? 0 : 1]), Flag(a[2]));
    }

    static object Reversed(Run run, object value)
    {
        if (value is string or Safe) return string.Concat(Of.Characters(Of.String(value)).Reverse());
        var list = run.List(value);
        list.Reverse();
        return new Lazy(list);
    }

    static Lazy Batch(List<object> list, int size, object? fill)
    {
        if (size < 1) throw new TemplateError("batch needs a size above zero");
        Run.CheckList(fill is null or None ? list.Count : (long)list.Count + size);
        var rows = list.Chunk(size).Select(row => new List<object>(row)).ToList();
        if (fill is not (null or None) && rows.Count > 0)
        {
            while (rows[^1].Count < size) rows[^1].Add(fill);
        }
        return new Lazy(rows.Select(row => new Items(row)));
    }

    static Lazy Slices(List<object> list, int count, object? fill)
    {
        if (count < 1) throw new TemplateError("slice needs a number above zero");
        Run.CheckList(count);
        var rows = new List<object>();
        var (size, more, at) = (list.Count / count, list.Count % count, 0);
        for (var i = 0; i < count; i++)
        {
            var take = size + (i < more ? 1 : 0);
            var row = list.GetRange(at, take);
            at += take;
            if (fill is not (null or None) && i >= more) row.Add(fill);
            rows.Add(new Items(row));
        }
        return new Lazy(rows);
    }

    static Items Groups(Run run, object value, object?[] a)
    {
        var attribute = a[0] ?? throw Missing("groupby");
        object Plain(object item) => Path(run, item, attribute) is var found && found is Undefined && a[1] is { } otherwise ? otherwise : found;
        object Key(object item) => Plain(item) is string text && !Flag(a[2]) ? StringMethods.Lower(text) : Plain(item);
        var groups = new List<object>();
        object? last = null;
        foreach (var item in Sorted(run, run.List(value), Key, reverse: false).Values)
        {
            var key = Key(item);
            if (last is null || !Of.Equal(last, key)) groups.Add(new Items([Plain(item), new Items([])], isTuple: true, isGroup: true));
            ((Items)((Items)groups[^1]).Values[1]).Values.Add(item);
            last = key;
        }
        return new Items(groups);
    }
}
