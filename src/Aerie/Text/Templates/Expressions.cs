// The expressions of a template, each with its value.
using System.Numerics;

namespace Aerie.Text.Templates;

/// <param name="At">Place in the source, for messages.</param>
abstract record Expression(int At)
{
    internal abstract object Value(Run run);
}

sealed record Constant(int At, object Content) : Expression(At)
{
    internal override object Value(Run run) => Content;
}

sealed record Variable(int At, string Name) : Expression(At)
{
    internal override object Value(Run run) => run.Scope.Find(Name) ?? Globals.Find(Name) ?? new Undefined($"'{Name}' is undefined");
}

sealed record ListOf(int At, IReadOnlyList<Expression> Parts, bool IsTuple) : Expression(At)
{
    internal override object Value(Run run) => new Items([.. Parts.Select(p => Deep(p, run))], IsTuple);

    static object Deep(Expression part, Run run)
    {
        Of.Deep();
        return part.Value(run);
    }
}

sealed record DictOf(int At, IReadOnlyList<(Expression Key, Expression Value)> Parts) : Expression(At)
{
    internal override object Value(Run run)
    {
        var dict = new Dict();
        foreach (var (key, value) in Parts) dict.Put(key.Value(run), value.Value(run));
        return dict;
    }
}

sealed record Not(int At, Expression Body) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        return !Of.Truth(Body.Value(run));
    }
}

sealed record Negative(int At, Expression Body, bool Plus) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        return Body.Value(run) switch
        {
            double d => Plus ? d : -d,
            Undefined undefined => throw undefined.Error,
            var value => Of.Whole(value) is { } n ? (object)(Plus ? n : -n) : throw new TemplateError($"a {Of.Name(value)} has no sign"),
        };
    }
}

/// <summary>and, or: give one of their operands.</summary>
sealed record Logic(int At, bool And, Expression Left, Expression Right) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var left = Left.Value(run);
        return Of.Truth(left) == And ? Right.Value(run) : left;
    }
}

sealed record Binary(int At, string Op, Expression Left, Expression Right) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var (left, right) = (Left.Value(run), Right.Value(run));
        run.At = At;
        return Operators.Apply(run, Op, left, right);
    }
}

/// <summary>a ~ b ~ c: the texts of all, joined.</summary>
sealed record Join(int At, IReadOnlyList<Expression> Parts) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        string[] texts = [.. Parts.Select(p => Printing.Str(p.Value(run)))];
        Run.CheckLength(texts.Sum(t => (long)t.Length));
        return run.Made(string.Concat(texts));
    }
}

sealed record Comparison(int At, Expression First, IReadOnlyList<(string Op, Expression Other)> Rest) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var left = First.Value(run);
        foreach (var (op, other) in Rest)
        {
            var right = other.Value(run);
            run.At = At;
            if (!Operators.Compare(op, left, right)) return false;
            left = right;
        }
        return true;
    }
}

/// <summary>a if test else b.</summary>
sealed record Inline(int At, Expression Test, Expression Then, Expression? Else) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        return Of.Truth(Test.Value(run)) ? Then.Value(run) : Else?.Value(run) ?? new Undefined("an inline if without else gave nothing");
    }
}

sealed record GetAttribute(int At, Expression Body, string Name) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var body = Body.Value(run);
        run.At = At;
        return Access.Attribute(run, body, Name);
    }
}

sealed record GetItem(int At, Expression Body, Expression Key) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var (body, key) = (Body.Value(run), Key.Value(run));
        run.At = At;
        return Access.Item(run, body, key);
    }
}

sealed record Slice(int At, Expression Body, Expression? From, Expression? To, Expression? By) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var body = Body.Value(run);
        int? from = Bound(From), to = Bound(To), by = Bound(By);
        run.At = At;
        return Access.Slice(body, from, to, by);

        int? Bound(Expression? bound) => bound?.Value(run) is { } value and not None ? Of.Int(value) : null;
    }
}

/// <param name="Stars">*list and **dict, if given.</param>
sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? Star, Expression? DoubleStar)
{
    internal static readonly CallArguments None = new([], [], null, null);

    internal Arguments Values(Run run)
    {
        var positional = Positional.Select(p => p.Value(run)).ToList();
        if (Star is not null) positional.AddRange(run.List(Star.Value(run)));
        var named = Named.Select(n => (n.Name, n.Value.Value(run))).ToList();
        if (DoubleStar?.Value(run) is { } more)
        {
            foreach (var (key, value) in (more as Dict ?? throw new TemplateError("** needs a dict")).Values) named.Add((Of.String(key), value));
        }
        return new Arguments(run, positional, named);
    }
}

sealed record Call(int At, Expression Target, CallArguments Arguments) : Expression(At)
{
    internal override object Value(Run run) => With(run, null);

    /// <summary>The value, with <paramref name="caller"/> as the argument of that name if there is one.</summary>
    internal object With(Run run, object? caller)
    {
        Of.Deep();
        var target = Target.Value(run);
        var arguments = Arguments.Values(run);
        if (caller is not null) arguments.Named.Add(("caller", caller));
        run.At = At;
        return run.Call(target, arguments);
    }
}

/// <param name="Body">Null in a filter block, whose text is the input.</param>
sealed record Filter(int At, Expression? Body, string Name, CallArguments Arguments) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        return On(run, Body!.Value(run));
    }

    internal object On(Run run, object input)
    {
        var arguments = Arguments.Values(run);
        run.At = At;
        run.Step();
        return Filters.Apply(Name, input, arguments);
    }
}

sealed record Test(int At, Expression Body, string Name, CallArguments Arguments, bool Negative) : Expression(At)
{
    internal override object Value(Run run)
    {
        Of.Deep();
        var input = Body.Value(run);
        var arguments = Arguments.Values(run);
        run.At = At;
        return Tests.Apply(Name, input, arguments) != Negative;
    }
}

static class Operators
{
    internal static object Apply(Run run, string op, object left, object right)
    {
        if (op == "%" && left is string or Safe) return run.Made(PythonFormat.Percent(Of.String(left), right));
        if (left is Undefined a) throw a.Error;
        if (right is Undefined b) throw b.Error;
        if (Of.IsNumber(left) && Of.IsNumber(right)) return left is double || right is double ? Reals(op, Of.Float(left), Of.Float(right)) : Wholes(op, Of.Whole(left)!.Value, Of.Whole(right)!.Value);
        if (op == "+")
        {
            if (left is Safe || right is Safe) return left is string or Safe && right is string or Safe ? new Safe(Text(run, TextFilters.Escaped(left).Text + TextFilters.Escaped(right).Text)) : throw Bad();
            if (left is string x && right is string y) return Text(run, x, y);
            if (left is Items p && right is Items q && p.IsTuple == q.IsTuple)
            {
                Run.CheckList((long)p.Values.Count + q.Values.Count);
                return new Items([.. p.Values, .. q.Values], p.IsTuple);
            }
        }
        if (op == "*")
        {
            if (Of.Whole(left) is not null) (left, right) = (right, left);
            if (Of.Whole(right) is not null)
            {
                var times = Math.Max(0, Of.Int(right));
                if (left is string or Safe)
                {
                    var text = Of.String(left);
                    Run.CheckLength((long)text.Length * times);
                    return run.Made(string.Concat(Enumerable.Repeat(text, times)));
                }
                if (left is Items list)
                {
                    Run.CheckList((long)list.Values.Count * times);
                    return new Items([.. Enumerable.Repeat(list.Values, times).SelectMany(v => v)], list.IsTuple);
                }
            }
        }
        throw Bad();

        TemplateError Bad() => new($"{op} does not work on {Of.Name(left)} and {Of.Name(right)}");
    }

    static string Text(Run run, string a, string b = "")
    {
        Run.CheckLength((long)a.Length + b.Length);
        return run.Made(a + b);
    }

    static double Reals(string op, double a, double b)
    {
        if (op is "/" or "//" or "%" && b == 0) throw new TemplateError("division by zero");
        return op switch
        {
            "+" => a + b,
            "-" => a - b,
            "*" => a * b,
            "/" => a / b,
            "//" => Math.Floor(a / b),
            "%" => a - b * Math.Floor(a / b),
            _ => Math.Pow(a, b) is var power && double.IsFinite(power) ? power : throw new TemplateError("the result of ** is too large, or no number"),
        };
    }

    static object Wholes(string op, BigInteger a, BigInteger b)
    {
        if (op is "/" or "//" or "%" && b.IsZero) throw new TemplateError("division by zero");
        switch (op)
        {
            case "+": return Checked(a + b);
            case "-": return Checked(a - b);
            case "*": return Checked(a * b);
            case "/": return Of.Float(a) / Of.Float(b);
            case "//": return Floor(a, b).Quotient;
            case "%": return Floor(a, b).Remainder;
            default:
                if (b.Sign < 0) return a.IsZero ? throw new TemplateError("division by zero") : Math.Pow(Of.Float(a), Of.Float(b));
                if (BigInteger.Abs(a) > 1 && b * a.GetBitLength() > Run.LargestNumber) throw new TemplateError("the result of ** is too large");
                return BigInteger.Abs(a) <= 1 ? BigInteger.Pow(a, b.IsEven ? 2 : 1) is var small && b.IsZero ? BigInteger.One : small : BigInteger.Pow(a, (int)b);
        }
    }

    static BigInteger Checked(BigInteger n) => n.GetBitLength() <= Run.LargestNumber ? n : throw new TemplateError("a number is too large");

    static (BigInteger Quotient, BigInteger Remainder) Floor(BigInteger a, BigInteger b)
    {
        var quotient = BigInteger.DivRem(a, b, out var remainder);
        return !remainder.IsZero && remainder.Sign != b.Sign ? (quotient - 1, remainder + b) : (quotient, remainder);
    }

    internal static bool Compare(string op, object left, object right) => op switch
    {
        "==" => Of.Equal(left, right),
        "!=" => !Of.Equal(left, right),
        "<" => Of.Compare(left, right) < 0,
        "<=" => Of.Compare(left, right) <= 0,
        ">" => Of.Compare(left, right) > 0,
        ">=" => Of.Compare(left, right) >= 0,
        "in" => Contains(right, left),
        _ => !Contains(right, left),
    };

    static bool Contains(object container, object item) => container switch
    {
        string or Safe => item is string or Safe ? Of.String(container).Contains(Of.String(item), StringComparison.Ordinal) : throw new TemplateError($"`in` a str needs a str, not {Of.Name(item)}"),
        Dict dict => dict.Find(item) is not null,
        _ => Of.Iterate(container).Any(other => Of.Equal(other, item)),
    };
}
