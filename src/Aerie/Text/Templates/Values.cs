// The values of a template: Python's None, bool, int (BigInteger), float (double), str (string), list, tuple, dict, range, and what Jinja adds:
// undefined, namespaces, functions, loops. Truth, equality, order and lengths are Python's; strings count in code points.
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aerie.Text.Templates;

/// <summary>An error of a template while it runs.</summary>
sealed class TemplateError(string message) : Exception(message);

sealed class None
{
    internal static readonly None Value = new();
}

/// <summary>What a missing name, key, index or attribute gives: prints as nothing; using it further is an error.</summary>
sealed class Undefined(string message)
{
    internal TemplateError Error => new(message);
}

/// <summary>A list, or a tuple; <paramref name="isGroup"/>: one of groupby, with the attributes `grouper` and `list`.</summary>
sealed class Items(List<object> values, bool isTuple = false, bool isGroup = false)
{
    internal List<object> Values { get; } = values;
    internal bool IsTuple { get; } = isTuple;
    internal bool IsGroup { get; } = isGroup;
}

/// <summary>A dict; keeps the order of its keys.</summary>
sealed class Dict
{
    internal Dictionary<object, object> Values { get; } = new(Keys.Instance);

    internal object? Find(object key) => Values.GetValueOrDefault(Keys.Checked(key));

    internal void Put(object key, object value) => Values[Keys.Checked(key)] = value;

    sealed class Keys : IEqualityComparer<object>
    {
        internal static readonly Keys Instance = new();

        internal static object Checked(object key) => key is Dict or Items { IsTuple: false } or Undefined ? throw new TemplateError($"a {Of.Name(key)} cannot be a key") : key;

        bool IEqualityComparer<object>.Equals(object? a, object? b) => Of.Equal(a!, b!);

        int IEqualityComparer<object>.GetHashCode(object key) => key switch
        {
            string text => text.GetHashCode(StringComparison.Ordinal),
            bool b => b ? 1 : 0,
            double d when d == Math.Floor(d) && Math.Abs(d) < 1e15 => new BigInteger(d).GetHashCode(),
            BigInteger n => n.GetHashCode(),
            Items tuple => tuple.Values.Count,
            _ => key.GetHashCode(),
        };
    }
}

/// <summary>range(start, stop, step).</summary>
sealed record NumberRange(BigInteger Start, int Count, BigInteger Step)
{
    internal IEnumerable<object> Values
    {
        get
        {
            for (var i = 0; i < Count; i++) yield return Start + i * Step;
        }
    }
}

/// <summary>namespace(...): the only thing whose attributes can be set.</summary>
sealed class Namespace
{
    internal Dictionary<string, object> Values { get; } = [];
}

/// <summary>A string that `escape` leaves alone.</summary>
sealed record Safe(string Text);

/// <summary>The lazy result of map, select, ...: can be iterated, not indexed or counted.</summary>
sealed record Lazy(IEnumerable<object> Values);

/// <summary>A function, macro or method.</summary>
sealed record Function(string Name, Func<Arguments, object> Call);

/// <summary>An object with attributes and perhaps a call of its own: loop, macro, cycler.</summary>
sealed record Thing(string Name, Func<string, object?> Attribute, Func<Arguments, object>? Call = null);

/// <summary>What everything can be asked.</summary>
static class Of
{
    internal static void Deep()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw new TemplateError("too deeply nested");
    }

    internal static string Name(object value) => value switch
    {
        None => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        string or Safe => "str",
        Items { IsTuple: true } => "tuple",
        Items => "list",
        Dict => "dict",
        NumberRange => "range",
        Undefined => "Undefined",
        Namespace => "Namespace",
        Lazy => "generator",
        _ => "function",
    };

    internal static bool Truth(object value) => value switch
    {
        None or Undefined => false,
        bool b => b,
        BigInteger n => !n.IsZero,
        double d => d != 0,
        string s => s.Length > 0,
        Safe s => s.Text.Length > 0,
        Items list => list.Values.Count > 0,
        Dict dict => dict.Values.Count > 0,
        NumberRange range => range.Count > 0,
        _ => true,
    };

    internal static bool IsNumber(object value) => value is bool or BigInteger or double;

    /// <summary>An int or bool as an int.</summary>
    internal static BigInteger? Whole(object value) => value switch { BigInteger n => n, bool b => b ? 1 : 0, _ => null };

    internal static double Float(object value) => value switch
    {
        double d => d,
        bool b => b ? 1 : 0,
        BigInteger n => (double)n is var d && double.IsFinite(d) ? d : throw new TemplateError("int too large to convert to float"),
        _ => throw new TemplateError($"a {Name(value)} is not a number"),
    };

    /// <summary>An int that fits: sizes, indices.</summary>
    internal static int Int(object value)
    {
        if (value is Undefined undefined) throw undefined.Error;
        if (Whole(value) is not { } n) throw new TemplateError($"a {Name(value)} is not an int");
        return n > int.MaxValue ? int.MaxValue : n < int.MinValue + 1 ? int.MinValue + 1 : (int)n;
    }

    internal static string String(object value) => value switch
    {
        string s => s,
        Safe s => s.Text,
        Undefined undefined => throw undefined.Error,
        _ => throw new TemplateError($"a str is needed, not {Name(value)}"),
    };

    internal static object? Plain(object value) => value is Safe safe ? safe.Text : value;

    internal static bool Equal(object a, object b)
    {
        Deep();
        (a, b) = (Plain(a)!, Plain(b)!);
        if (IsNumber(a) && IsNumber(b)) return a is double || b is double ? SameNumber(a, b) : Whole(a) == Whole(b);
        return (a, b) switch
        {
            (string x, string y) => x == y,
            (Undefined, Undefined) => true,
            (Items x, Items y) => x.IsTuple == y.IsTuple && x.Values.Count == y.Values.Count && x.Values.Zip(y.Values).All(p => Equal(p.First, p.Second)),
            (Dict x, Dict y) => x.Values.Count == y.Values.Count && x.Values.All(p => y.Values.TryGetValue(p.Key, out var other) && Equal(p.Value, other)),
            (NumberRange x, NumberRange y) => x.Values.SequenceEqual(y.Values),
            _ => ReferenceEquals(a, b),
        };
    }

    static bool SameNumber(object a, object b)
    {
        if (a is double x && b is double y) return x == y;
        var (real, whole) = a is double d ? (d, Whole(b)!.Value) : ((double)b, Whole(a)!.Value);
        return double.IsFinite(real) && real == Math.Floor(real) && new BigInteger(real) == whole;
    }

    /// <summary>Python's order; an error where there is none.</summary>
    internal static int Compare(object a, object b)
    {
        Deep();
        (a, b) = (Plain(a)!, Plain(b)!);
        if (a is Undefined or Undefined) throw ((Undefined)a).Error;
        if (b is Undefined undefined) throw undefined.Error;
        if (IsNumber(a) && IsNumber(b)) return a is double || b is double ? Float(a).CompareTo(Float(b)) : Whole(a)!.Value.CompareTo(Whole(b)!.Value);
        if (a is string x && b is string y) return ByCodePoints(x, y);
        if (a is Items p && b is Items q && p.IsTuple == q.IsTuple)
        {
            for (var i = 0; i < Math.Min(p.Values.Count, q.Values.Count); i++)
            {
                if (!Equal(p.Values[i], q.Values[i])) return Compare(p.Values[i], q.Values[i]);
            }
            return p.Values.Count.CompareTo(q.Values.Count);
        }
        throw new TemplateError($"a {Name(a)} and a {Name(b)} have no order");
    }

    // Ordinal order of UTF-16 differs where surrogates meet U+E000-FFFF.
    static int ByCodePoints(string a, string b)
    {
        for (var i = 0; i < Math.Min(a.Length, b.Length); i++)
        {
            if (a[i] == b[i]) continue;
            return char.IsSurrogate(a[i]) != char.IsSurrogate(b[i]) ? (char.IsSurrogate(a[i]) ? 1 : -1) : a[i].CompareTo(b[i]);
        }
        return a.Length.CompareTo(b.Length);
    }

    /// <summary>The items that a loop goes through; an error for what cannot be iterated.</summary>
    internal static IEnumerable<object> Iterate(object value) => value switch
    {
        Items list => list.Values,
        Dict dict => dict.Values.Keys,
        string text => Characters(text),
        Safe safe => Characters(safe.Text),
        NumberRange range => range.Values,
        Lazy lazy => lazy.Values,
        Undefined => [],
        _ => throw new TemplateError($"a {Name(value)} cannot be iterated"),
    };

    internal static IEnumerable<string> Characters(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
            yield return text.Substring(i, length);
            i += length - 1;
        }
    }

    /// <summary>Code points of a text.</summary>
    internal static int Length(ReadOnlySpan<char> text)
    {
        var length = text.Length;
        for (var i = 1; i < text.Length; i++)
        {
            if (char.IsLowSurrogate(text[i]) && char.IsHighSurrogate(text[i - 1])) length--;
        }
        return length;
    }

    internal static int Length(object value) => value switch
    {
        string text => Length(text.AsSpan()),
        Safe safe => Length(safe.Text.AsSpan()),
        Items list => list.Values.Count,
        Dict dict => dict.Values.Count,
        NumberRange range => range.Count,
        Undefined => 0,
        _ => throw new TemplateError($"a {Name(value)} has no length"),
    };

    /// <summary>White space as Python's str.strip and str.isspace see it.</summary>
    internal static bool IsWhite(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    internal static object Number(int value) => (BigInteger)value;

    internal static string Invariant(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
