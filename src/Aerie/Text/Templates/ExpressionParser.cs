// Parses expressions, loosest first: inline if, or, and, not, comparisons, + -, ~, * / // %, **, unary. Filters and tests bind
// tighter than every binary operator but looser than a sign.
using System.Globalization;
using System.Numerics;

namespace Aerie.Text.Templates;

sealed partial class Parser
{
    // An expression, or several with commas between them.
    Expression Tuple(bool conditional = true, string? end = null, bool parenthesised = false)
    {
        var at = Now.At;
        var parts = new List<Expression>();
        var tuple = false;
        while (!AtEnd())
        {
            parts.Add(conditional ? Expression() : Or());
            if (!IsOperator(",")) break;
            tuple = true;
            next++;
        }
        if (tuple) return new ListOf(at, parts, IsTuple: true);
        if (parts.Count == 1) return parts[0];
        return parenthesised ? new ListOf(at, [], IsTuple: true) : throw Bad($"an expression expected, not '{Now.Text}'");

        bool AtEnd() => Now.Kind is TokenKind.OutputEnd or TokenKind.BlockEnd || IsOperator(")") || (end is not null && IsName(end));
    }

    Expression Expression()
    {
        Deep();
        var at = Now.At;
        var value = Or();
        while (TakeName("if"))
        {
            var test = Or();
            value = new Inline(at, test, value, TakeName("else") ? Expression() : null);
        }
        depth--;
        return value;
    }

    Expression Or()
    {
        var left = And();
        while (IsName("or")) left = new Logic(Take().At, And: false, left, And());
        return left;
    }

    Expression And()
    {
        var left = Not();
        while (IsName("and")) left = new Logic(Take().At, And: true, left, Not());
        return left;
    }

    Expression Not()
    {
        if (!IsName("not")) return Comparison();
        Deep();
        var value = new Not(Take().At, Not());
        depth--;
        return value;
    }

    Expression Comparison()
    {
        var at = Now.At;
        var first = Sum();
        var rest = new List<(string, Expression)>();
        while (true)
        {
            if (Now.Kind == TokenKind.Operator && Now.Text is "==" or "!=" or "<" or "<=" or ">" or ">=") rest.Add((Take().Text, Sum()));
            else if (TakeName("in")) rest.Add(("in", Sum()));
            else if (IsName("not") && tokens[next + 1] is { Kind: TokenKind.Name, Text: "in" })
            {
                next += 2;
                rest.Add(("not in", Sum()));
            }
            else return rest.Count == 0 ? first : new Comparison(at, first, rest);
        }
    }

    Expression Sum()
    {
        var left = Joined();
        while (Now.Kind == TokenKind.Operator && Now.Text is "+" or "-")
        {
            var op = Take();
            left = new Binary(op.At, op.Text, left, Joined());
        }
        return left;
    }

    Expression Joined()
    {
        var at = Now.At;
        var parts = new List<Expression> { Product() };
        while (TakeOperator("~")) parts.Add(Product());
        return parts.Count == 1 ? parts[0] : new Join(at, parts);
    }

    Expression Product()
    {
        var left = Power();
        while (Now.Kind == TokenKind.Operator && Now.Text is "*" or "/" or "//" or "%")
        {
            var op = Take();
            left = new Binary(op.At, op.Text, left, Power());
        }
        return left;
    }

    Expression Power()
    {
        var left = Unary();
        while (IsOperator("**")) left = new Binary(Take().At, "**", left, Unary());
        return left;
    }

    Expression Unary(bool filters = true)
    {
        Deep();
        Expression value;
        if (IsOperator("-") || IsOperator("+"))
        {
            var sign = Take();
            value = new Negative(sign.At, Unary(filters: false), sign.Text == "+");
        }
        else value = Primary();
        value = Postfix(value);
        depth--;
        return filters ? FiltersAndTests(value) : value;
    }

    Expression Primary()
    {
        var token = Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                switch (token.Text)
                {
                    case "true" or "True": return new Constant(token.At, true);
                    case "false" or "False": return new Constant(token.At, false);
                    case "none" or "None": return new Constant(token.At, None.Value);
                    case "caller" or "varargs" or "kwargs":
                        if (special.TryPeek(out var uses)) uses.Add(token.Text);
                        break;
                }
                return new Variable(token.At, token.Text);
            case TokenKind.String:
                var text = token.Text;
                while (Now.Kind == TokenKind.String) text += Take().Text;
                return new Constant(token.At, text);
            case TokenKind.Int: return new Constant(token.At, Whole(token));
            case TokenKind.Float: return new Constant(token.At, double.Parse(token.Text, CultureInfo.InvariantCulture));
            case TokenKind.Operator when token.Text == "(":
                var tuple = Tuple(parenthesised: true);
                Expect(")");
                return tuple;
            case TokenKind.Operator when token.Text == "[":
                var parts = new List<Expression>();
                while (!TakeOperator("]"))
                {
                    if (parts.Count > 0) Expect(",");
                    if (TakeOperator("]")) break;
                    parts.Add(Expression());
                }
                return new ListOf(token.At, parts, IsTuple: false);
            case TokenKind.Operator when token.Text == "{":
                var pairs = new List<(Expression, Expression)>();
                while (!TakeOperator("}"))
                {
                    if (pairs.Count > 0) Expect(",");
                    if (TakeOperator("}")) break;
                    var key = Expression();
                    Expect(":");
                    pairs.Add((key, Expression()));
                }
                return new DictOf(token.At, pairs);
            default:
                next--;
                throw Bad($"an expression expected, not '{token.Text}'");
        }
    }

    BigInteger Whole(Token token)
    {
        var digits = token.Text.Replace("_", "", StringComparison.Ordinal);
        if (digits.Length > 4300) throw Bad("a number of more than 4300 digits");
        var radix = digits.Length > 1 ? char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 } : 10;
        if (radix == 10) return BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        return digits[2..].Aggregate(BigInteger.Zero, (value, c) => char.IsAsciiHexDigit(c) && Convert.ToInt32($"{c}", 16) is var digit && digit < radix ? value * radix + digit : throw Bad("a number with a digit too large"));
    }

    Expression Postfix(Expression value)
    {
        while (true)
        {
            if (IsOperator(".")) value = Dot(value, Take().At);
            else if (IsOperator("[")) value = Subscript(value, Take().At);
            else if (IsOperator("(")) value = new Call(Now.At, value, Arguments());
            else return value;
        }
    }

    Expression Dot(Expression value, int at)
    {
        if (Now.Kind == TokenKind.Int) return new GetItem(at, value, new Constant(Now.At, Whole(Take())));
        return new GetAttribute(at, value, Name());
    }

    Expression Subscript(Expression value, int at)
    {
        var parts = new List<Expression>();
        while (!TakeOperator("]"))
        {
            if (parts.Count > 0) Expect(",");
            if (IsOperator(":") || parts.Count == 0)
            {
                var from = IsOperator(":") ? null : Expression();
                if (TakeOperator(":"))
                {
                    var to = IsOperator(":") || IsOperator("]") ? null : Expression();
                    var by = TakeOperator(":") && !IsOperator("]") ? Expression() : null;
                    Expect("]");
                    return new Slice(at, value, from, to, by);
                }
                parts.Add(from!);
                continue;
            }
            parts.Add(Expression());
        }
        return parts.Count switch
        {
            0 => throw Bad("an empty subscript"),
            1 => new GetItem(at, value, parts[0]),
            _ => new GetItem(at, value, new ListOf(at, parts, IsTuple: true)),
        };
    }

    CallArguments Arguments()
    {
        Expect("(");
        var (positional, named) = (new List<Expression>(), new List<(string, Expression)>());
        Expression? star = null, doubleStar = null;
        for (var first = true; !TakeOperator(")"); first = false)
        {
            if (!first) Expect(",");
            if (TakeOperator(")")) break;
            if (TakeOperator("*")) star = Expression();
            else if (TakeOperator("**")) doubleStar = Expression();
            else if (Now.Kind == TokenKind.Name && tokens[next + 1] is { Kind: TokenKind.Operator, Text: "=" })
            {
                var name = Take().Text;
                next++;
                named.Add((name, Expression()));
            }
            else if (named.Count > 0 || doubleStar is not null) throw Bad("an argument without name after one with name");
            else positional.Add(Expression());
        }
        return new CallArguments(positional, named, star, doubleStar);
    }

    Expression FiltersAndTests(Expression value)
    {
        while (true)
        {
            if (TakeOperator("|")) value = OneFilter(value);
            else if (IsName("is")) value = Test(value);
            else if (IsOperator("(")) value = new Call(Now.At, value, Arguments());
            else return value;
        }
    }

    Filter OneFilter(Expression? value)
    {
        var at = Now.At;
        var name = DottedName();
        if (!Filters.Exists(name)) throw Lexer.Error(source, at, $"there is no filter '{name}'");
        return new Filter(at, value, name, IsOperator("(") ? Arguments() : CallArguments.None);
    }

    List<Filter> FilterChain()
    {
        var filters = new List<Filter> { OneFilter(null) };
        while (TakeOperator("|")) filters.Add(OneFilter(null));
        return filters;
    }

    string DottedName()
    {
        var name = Name();
        while (TakeOperator(".")) name += "." + Name();
        return name;
    }

    Test Test(Expression value)
    {
        next++;
        var negative = TakeName("not");
        var at = Now.At;
        var name = DottedName();
        if (!Tests.Exists(name)) throw Lexer.Error(source, at, $"there is no test '{name}'");
        var arguments = CallArguments.None;
        if (IsOperator("(")) arguments = Arguments();
        else if (Now.Kind is TokenKind.String or TokenKind.Int or TokenKind.Float || IsOperator("[") || IsOperator("{") || (Now.Kind == TokenKind.Name && Now.Text is not ("else" or "or" or "and" or "if" or "in" or "not")))
        {
            if (IsName("is")) throw Bad("tests cannot be chained with `is`");
            arguments = new CallArguments([Postfix(Primary())], [], null, null);
        }
        return new Test(at, value, name, arguments, negative);
    }
}
