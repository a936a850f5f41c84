// The methods of dict, list, int and float that change nothing.
using System.Numerics;

namespace Aerie.Text.Templates;

static class ObjectMethods
{
    internal static Function? Find(Dict dict, string name) => name switch
    {
        "items" => new Function(name, _ => new Items([.. dict.Values.Select(p => new Items([p.Key, p.Value], isTuple: true))])),
        "keys" => new Function(name, _ => new Items([.. dict.Values.Keys])),
        "values" => new Function(name, _ => new Items([.. dict.Values.Values])),
        "get" => new Function(name, a => a.Bind(name, "key default") is [{ } key, var otherwise] ? dict.Find(key) ?? otherwise ?? None.Value : throw new TemplateError("get() without a key")),
        "copy" => new Function(name, _ => Copy(dict)),
        _ => null,
    };

    internal static object? Find(Items list, string name) => name switch
    {
        "grouper" when list.IsGroup => list.Values[0],
        "list" when list.IsGroup => list.Values[1],
        "index" => new Function(name, a => list.Values.FindIndex(v => Of.Equal(v, a.Positional[0])) is var at and >= 0 ? Of.Number(at) : throw new TemplateError("the item is not in the list")),
        "count" => new Function(name, a => Of.Number(list.Values.Count(v => Of.Equal(v, a.Positional[0])))),
        "copy" when !list.IsTuple => new Function(name, _ => new Items([.. list.Values])),
        _ => null,
    };

    internal static object? FindNumber(object number, string name) => (number, name) switch
    {
        (_, "real") => number,
        (double d, "is_integer") => new Function(name, _ => d == Math.Floor(d) && double.IsFinite(d)),
        (BigInteger n, "bit_length") => new Function(name, _ => (BigInteger)BigInteger.Abs(n).GetBitLength()),
        _ => null,
    };

    static Dict Copy(Dict dict)
    {
        var copy = new Dict();
        foreach (var (key, value) in dict.Values) copy.Put(key, value);
        return copy;
    }
}
