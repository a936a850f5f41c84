// Parses the statements of a template (Jinja's grammar); expressions are in ExpressionParser.cs.
namespace Aerie.Text.Templates;

sealed partial class Parser
{
    const int DeepestNesting = 500;

    readonly string source;
    readonly List<Token> tokens;
    // For each macro or call block that is open: the special names that its body uses.
    readonly Stack<HashSet<string>> special = new();
    int next, loops, depth;

    Parser(string source, List<Token> tokens) => (this.source, this.tokens) = (source, tokens);

    /// <summary>Parses a template.</summary>
    /// <exception cref="AerieException">It is no valid template, or uses what is not supported; with line and column.</exception>
    internal static Block Parse(string source)
    {
        var parser = new Parser(source, Lexer.Tokens(source));
        var block = parser.Body();
        return parser.Now.Kind == TokenKind.End ? block : throw parser.Bad($"'{parser.Now.Text}' without its beginning");
    }

    Token Now => tokens[next];

    Token Take() => tokens[next++];

    AerieException Bad(string what) => Lexer.Error(source, Now.At, what);

    bool IsName(string name) => Now.Kind == TokenKind.Name && Now.Text == name;

    bool IsOperator(string op) => Now.Kind == TokenKind.Operator && Now.Text == op;

    bool TakeName(string name) => IsName(name) && next++ >= 0;

    bool TakeOperator(string op) => IsOperator(op) && next++ >= 0;

    void Expect(string op)
    {
        if (!TakeOperator(op)) throw Bad($"'{op}' expected, not '{Now.Text}'");
    }

    string Name()
    {
        if (Now.Kind != TokenKind.Name) throw Bad($"a name expected, not '{Now.Text}'");
        return Take().Text;
    }

    void EndOfTag()
    {
        if (Now.Kind != TokenKind.BlockEnd) throw Bad($"the end of the tag expected, not '{Now.Text}'");
        next++;
    }

    // Counts what is open; whoever calls it takes one off at its end.
    void Deep()
    {
        if (++depth > DeepestNesting) throw Bad("too deeply nested");
    }

    // Statements up to one of the tags, whose name is taken; or to the end of the template.
    Block Body(params string[] ends)
    {
        Deep();
        var at = Now.At;
        var parts = new List<Statement>();
        while (Now.Kind != TokenKind.End)
        {
            var token = Take();
            switch (token.Kind)
            {
                case TokenKind.Text:
                    parts.Add(new Literal(token.At, token.Text));
                    break;
                case TokenKind.OutputBegin:
                    parts.Add(new Output(token.At, Tuple()));
                    if (Now.Kind != TokenKind.OutputEnd) throw Bad($"'}}}}' expected, not '{Now.Text}'");
                    next++;
                    break;
                default:
                    if (Now.Kind == TokenKind.Name && ends.Contains(Now.Text))
                    {
                        next++;
                        depth--;
                        return new Block(at, parts);
                    }
                    parts.Add(Statement(token.At));
                    break;
            }
        }
        depth--;
        return ends.Length == 0 ? new Block(at, parts) : throw Bad($"the template ends where one of {string.Join(", ", ends)} is expected");
    }

    // A block whose tag ends here, and its end tag.
    Block Inner(string end)
    {
        EndOfTag();
        var body = Body(end);
        EndOfTag();
        return body;
    }

    Statement Statement(int at)
    {
        var back = next;
        switch (Name())
        {
            case "if": return If(at);
            case "for": return For(at);
            case "set": return Set(at);
            case "with": return With(at);
            case "macro": return Macro(at);
            case "call": return CallBlock(at);
            case "filter":
                var filters = FilterChain();
                return new FilterBlock(at, filters, Inner("endfilter"));
            case "generation": return new Generation(at, Inner("endgeneration"));
            case "break" when loops > 0:
                EndOfTag();
                return new Leave(at, Flow.Break);
            case "continue" when loops > 0:
                EndOfTag();
                return new Leave(at, Flow.Continue);
            case "print":
                var output = new Output(at, Tuple());
                EndOfTag();
                return output;
            default:
                next = back;
                throw Bad($"the tag '{Now.Text}' is not known, or not here");
        }
    }

    If If(int at)
    {
        var branches = new List<(Expression, Block)>();
        Block? otherwise = null;
        while (true)
        {
            var test = Tuple(conditional: false);
            EndOfTag();
            branches.Add((test, Body("elif", "else", "endif")));
            var end = tokens[next - 1].Text;
            if (end == "elif") continue;
            if (end == "else") otherwise = Inner("endif");
            else EndOfTag();
            return new If(at, branches, otherwise);
        }
    }

    For For(int at)
    {
        var target = Target(spaces: false, "in");
        if (!TakeName("in")) throw Bad("'in' expected");
        var list = Tuple(conditional: false, "recursive");
        var filter = TakeName("if") ? Expression() : null;
        var recursive = TakeName("recursive");
        EndOfTag();
        loops++;
        var body = Body("endfor", "else");
        loops--;
        var otherwise = tokens[next - 1].Text == "else" ? Inner("endfor") : null;
        if (otherwise is null) EndOfTag();
        return new For(at, target, list, filter, recursive, body, otherwise);
    }

    Statement Set(int at)
    {
        var target = Target(spaces: true);
        if (TakeOperator("="))
        {
            var value = Tuple();
            EndOfTag();
            return new Set(at, target, value);
        }
        List<Filter> filters = TakeOperator("|") ? FilterChain() : [];
        return new SetBlock(at, target, filters, Inner("endset"));
    }

    With With(int at)
    {
        var names = new List<(Target, Expression)>();
        while (Now.Kind != TokenKind.BlockEnd)
        {
            if (names.Count > 0) Expect(",");
            var target = OneTarget(spaces: false);
            Expect("=");
            names.Add((target, Expression()));
        }
        return new With(at, names, Inner("endwith"));
    }

    Macro Macro(int at)
    {
        var name = Name();
        return new Macro(at, MacroBody(name, Signature(), "endmacro"));
    }

    CallBlock CallBlock(int at)
    {
        var signature = IsOperator("(") ? Signature() : new Signature([], []);
        if (Expression() is not Call call) throw Bad("a call expected");
        return new CallBlock(at, call, MacroBody("caller", signature, "endcall"));
    }

    MacroBody MacroBody(string name, Signature signature, string end)
    {
        special.Push([]);
        var outer = loops;
        loops = 0;
        var body = Inner(end);
        loops = outer;
        var uses = special.Pop();
        return new MacroBody(name, signature, body, uses.Contains("caller"), uses.Contains("varargs"), uses.Contains("kwargs"));
    }

    Signature Signature()
    {
        var (names, defaults) = (new List<string>(), new List<Expression?>());
        Expect("(");
        while (!TakeOperator(")"))
        {
            if (names.Count > 0) Expect(",");
            var name = Assignable(Name());
            if (names.Contains(name)) throw Bad($"the parameter '{name}' is there twice");
            names.Add(name);
            defaults.Add(TakeOperator("=") ? Expression() : defaults.Count > 0 && defaults[^1] is not null ? throw Bad("a parameter without default after one with default") : null);
        }
        return new Signature(names, defaults);
    }

    string Assignable(string name) => name is "true" or "false" or "none" or "True" or "False" or "None" ? throw Bad($"'{name}' cannot be assigned to") : name;

    // a, b.c or (a, b); one after a comma may be missing.
    Target Target(bool spaces, string? end = null)
    {
        var parts = new List<Target> { OneTarget(spaces) };
        var tuple = false;
        while (TakeOperator(","))
        {
            tuple = true;
            if (IsOperator("=") || IsOperator(")") || (end is not null && IsName(end)) || Now.Kind == TokenKind.BlockEnd) break;
            parts.Add(OneTarget(spaces));
        }
        return tuple ? new Target.OfSeveral(parts) : parts[0];
    }

    Target OneTarget(bool spaces)
    {
        Deep();
        if (TakeOperator("("))
        {
            var inner = Target(spaces);
            Expect(")");
            depth--;
            return inner;
        }
        depth--;
        var name = Assignable(Name());
        if (spaces && TakeOperator(".")) return new Target.OfAttribute(name, Name());
        return new Target.OfName(name);
    }
}
