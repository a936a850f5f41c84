// The tests after `is`.
using System.Numerics;

namespace Aerie.Text.Templates;

static class Tests
{
    delegate bool Body(object value, object argument);

    // The second value: how many arguments it takes.
    static readonly Dictionary<string, (Body Test, int Arguments)> All = new()
    {
        ["defined"] = ((v, _) => v is not Undefined, 0),
        ["undefined"] = ((v, _) => v is Undefined, 0),
        ["none"] = ((v, _) => v is None, 0),
        ["string"] = ((v, _) => v is string or Safe, 0),
        ["mapping"] = ((v, _) => v is Dict, 0),
        ["number"] = ((v, _) => Of.IsNumber(v), 0),
        ["integer"] = ((v, _) => v is BigInteger, 0),
        ["float"] = ((v, _) => v is double, 0),
        ["boolean"] = ((v, _) => v is bool, 0),
        ["true"] = ((v, _) => v is true, 0),
        ["false"] = ((v, _) => v is false, 0),
        ["callable"] = ((v, _) => v is Function or Thing { Call: not null } or Undefined, 0),
        ["iterable"] = ((v, _) => v is string or Safe or Items or Dict or NumberRange or Lazy or Undefined, 0),
        ["sequence"] = ((v, _) => v is string or Safe or Items or Dict or NumberRange or Undefined, 0),
        ["escaped"] = ((v, _) => v is Safe, 0),
        ["odd"] = ((v, _) => Remainder(v, 2) == BigInteger.One, 0),
        ["even"] = ((v, _) => Remainder(v, 2).IsZero, 0),
        ["divisibleby"] = ((v, a) => Remainder(v, a).IsZero, 1),
        ["lower"] = ((v, _) => StringMethods.IsLower(Printing.Str(v)), 0),
        ["upper"] = ((v, _) => StringMethods.IsUpper(Printing.Str(v)), 0),
        ["in"] = ((v, a) => Operators.Compare("in", v, a), 1),
        ["eq"] = ((v, a) => Of.Equal(v, a), 1),
        ["ne"] = ((v, a) => !Of.Equal(v, a), 1),
        ["lt"] = ((v, a) => Of.Compare(v, a) < 0, 1),
        ["le"] = ((v, a) => Of.Compare(v, a) <= 0, 1),
        ["gt"] = ((v, a) => Of.Compare(v, a) > 0, 1),
        ["ge"] = ((v, a) => Of.Compare(v, a) >= 0, 1),
        ["sameas"] = ((v, a) => v.GetType() == a.GetType() && (v is bool or None or BigInteger or string ? Of.Equal(v, a) : ReferenceEquals(v, a)), 1),
        ["filter"] = ((v, _) => v is string name && Filters.Exists(name), 0),
        ["test"] = ((v, _) => v is string name && Exists(name), 0),
    };

    static readonly Dictionary<string, string> Others = new()
    {
        ["equalto"] = "eq", ["=="] = "eq", ["!="] = "ne", ["<"] = "lt", ["lessthan"] = "lt", ["<="] = "le", [">"] = "gt", ["greaterthan"] = "gt", [">="] = "ge",
    };

    internal static bool Exists(string name) => All.ContainsKey(Others.GetValueOrDefault(name, name));

    internal static bool Apply(string name, object value, Arguments arguments)
    {
        if (!All.TryGetValue(Others.GetValueOrDefault(name, name), out var test)) throw new TemplateError($"there is no test '{name}'");
        if (arguments.Positional.Count + arguments.Named.Count != test.Arguments) throw new TemplateError($"the test '{name}' takes {test.Arguments} arguments");
        return test.Test(value, arguments.Positional.Concat(arguments.Named.Select(n => n.Value)).FirstOrDefault() ?? None.Value);
    }

    static BigInteger Remainder(object value, object by) => value is Undefined undefined ? throw undefined.Error
        : Of.Whole(value) is { } n && Of.Whole(by) is { IsZero: false } d ? ((n % d) + d) % d
        : value is double real && Of.Whole(by) is { IsZero: false } whole ? (real % (double)whole == 0 ? 0 : real % (double)whole == 1 ? 1 : 2)
        : throw new TemplateError($"a {Of.Name(value)} has no remainder by {Printing.Repr(by)}");

    static BigInteger Remainder(object value, int by) => Remainder(value, (BigInteger)by);
}
