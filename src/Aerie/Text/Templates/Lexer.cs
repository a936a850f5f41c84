// Cuts a template into text and tokens as Jinja does with trim_blocks and lstrip_blocks: the line break after `%}` and `#}` goes,
// so do spaces between the start of a line and `{%` or `{#`; `-` strips all white space on its side, `+` switches both off.
using System.Globalization;
using System.Text;

namespace Aerie.Text.Templates;

enum TokenKind { Text, OutputBegin, OutputEnd, BlockBegin, BlockEnd, Name, String, Int, Float, Operator, End }

/// <param name="At">Place in the source, for messages.</param>
readonly record struct Token(TokenKind Kind, string Text, int At);

sealed class Lexer
{
    static readonly string[] Operators = ["//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";"];

    readonly string source;
    readonly List<Token> tokens = [];
    int at;
    bool lineStart = true;

    Lexer(string source) => this.source = source;

    /// <summary>The tokens of a template; <paramref name="source"/> has `\n` line ends only.</summary>
    internal static List<Token> Tokens(string source)
    {
        var lexer = new Lexer(source);
        lexer.Run();
        return lexer.tokens;
    }

    /// <summary>A syntax error with line and column.</summary>
    internal static AerieException Error(string source, int at, string what)
    {
        var line = source.AsSpan(0, at).Count('\n') + 1;
        var column = at - (at == 0 ? -1 : source.LastIndexOf('\n', at - 1));
        return new AerieException($"chat template: line {line}, column {column}: {what}");
    }

    AerieException Bad(int where, string what) => Error(source, where, what);

    void Run()
    {
        while (at < source.Length)
        {
            var open = NextTag(at);
            if (open < 0)
            {
                Text(source[at..], at);
                break;
            }
            var sign = open + 2 < source.Length && source[open + 2] is '-' or '+' ? source[open + 2] : ' ';
            var kind = source[open + 1];
            Text(Left(source[at..open], sign, strips: kind != '{'), at);
            at = open + (sign == ' ' ? 2 : 3);
            if (kind == '#') Comment(open);
            else if (kind == '%' && Raw(open)) { }
            else
            {
                tokens.Add(new(kind == '{' ? TokenKind.OutputBegin : TokenKind.BlockBegin, "", open));
                Inside(open, kind == '{' ? "}}" : "%}", kind == '{' ? TokenKind.OutputEnd : TokenKind.BlockEnd);
            }
        }
        tokens.Add(new(TokenKind.End, "", source.Length));
    }

    int NextTag(int from)
    {
        while (true)
        {
            var open = source.IndexOf('{', from);
            if (open < 0 || open + 1 >= source.Length) return -1;
            if (source[open + 1] is '{' or '%' or '#') return open;
            from = open + 1;
        }
    }

    void Text(string text, int where)
    {
        if (text.Length > 0) tokens.Add(new(TokenKind.Text, text, where));
    }

    // Text before a tag.
    string Left(string text, char sign, bool strips)
    {
        if (sign == '-') return TrimEnd(text);
        if (sign == '+' || !strips) return text;
        var line = text.LastIndexOf('\n') + 1;
        return (line > 0 || lineStart) && text.AsSpan(line).IndexOfAnyExcept(White) < 0 ? text[..line] : text;
    }

    static readonly System.Buffers.SearchValues<char> White = System.Buffers.SearchValues.Create([.. Enumerable.Range(0, 0x10000).Select(c => (char)c).Where(Of.IsWhite)]);

    static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && Of.IsWhite(text[end - 1])) end--;
        return text[..end];
    }

    void SkipWhite()
    {
        while (at < source.Length && Of.IsWhite(source[at])) at++;
    }

    // The end of a tag at this place, if it is one: `-%}` takes all white space with it, `%}` a line break.
    bool End(string close, bool trims)
    {
        var sign = source[at];
        var from = sign is '-' || (sign == '+' && trims) ? at + 1 : at;
        if (string.CompareOrdinal(source, from, close, 0, 2) != 0) return false;
        at = from + 2;
        if (sign == '-') SkipWhite();
        else if (sign != '+' && trims && at < source.Length && source[at] == '\n') at++;
        lineStart = at > 0 && source[at - 1] == '\n';
        return true;
    }

    void Comment(int open)
    {
        for (; at < source.Length; at++)
        {
            if (source[at] is '#' or '-' or '+' && End("#}", trims: true)) return;
        }
        throw Bad(open, "a comment without an end");
    }

    // {% raw %} ... {% endraw %}; after `raw %}` nothing is trimmed.
    bool Raw(int open)
    {
        var back = at;
        SkipWhite();
        if (!Word("raw")) return Back(back);
        SkipWhite();
        if (at >= source.Length || source[at] == '+' || !End("%}", trims: false)) return Back(back);
        for (var close = source.IndexOf("{%", at, StringComparison.Ordinal); close >= 0; close = source.IndexOf("{%", close + 2, StringComparison.Ordinal))
        {
            var start = at;
            var sign = close + 2 < source.Length && source[close + 2] is '-' or '+' ? source[close + 2] : ' ';
            at = close + (sign == ' ' ? 2 : 3);
            SkipWhite();
            if (Word("endraw"))
            {
                SkipWhite();
                var text = Left(source[start..close], sign, strips: true);
                if (at < source.Length && End("%}", trims: true))
                {
                    Text(text, start);
                    return true;
                }
            }
            at = start;
        }
        throw Bad(open, "raw without endraw");
    }

    bool Back(int to)
    {
        at = to;
        return false;
    }

    bool Word(string word)
    {
        if (string.CompareOrdinal(source, at, word, 0, word.Length) != 0) return false;
        at += word.Length;
        return true;
    }

    // Between {{ and }}, or {% and %}. Brackets that are open keep `}}` from ending it.
    void Inside(int open, string close, TokenKind end)
    {
        var brackets = new Stack<char>();
        while (true)
        {
            SkipWhite();
            if (at >= source.Length) throw Bad(open, "a tag without an end");
            var start = at;
            if (brackets.Count == 0 && End(close, trims: end == TokenKind.BlockEnd))
            {
                tokens.Add(new(end, close, start));
                return;
            }
            var c = source[at];
            if (char.IsAsciiDigit(c)) Number();
            else if (c is '"' or '\'') String(c);
            else if (c == '_' || char.IsLetter(c))
            {
                while (at < source.Length && (source[at] == '_' || char.IsLetterOrDigit(source[at]))) at++;
                tokens.Add(new(TokenKind.Name, source[start..at], start));
            }
            else
            {
                var op = Array.Find(Operators, o => string.CompareOrdinal(source, at, o, 0, o.Length) == 0) ?? throw Bad(at, $"unexpected character '{c}'");
                at += op.Length;
                tokens.Add(new(TokenKind.Operator, op, start));
                if (op is "(" or "[" or "{") brackets.Push(op switch { "(" => ')', "[" => ']', _ => '}' });
                else if (op is ")" or "]" or "}" && (!brackets.TryPop(out var expected) || expected != op[0])) throw Bad(start, $"unexpected '{op}'");
            }
        }
    }

    void Number()
    {
        var start = at;
        var afterDot = start > 0 && source[start - 1] == '.';
        if (source[at] == '0' && at + 1 < source.Length && source[at + 1] is 'x' or 'X' or 'b' or 'B' or 'o' or 'O')
        {
            at += 2;
            while (at < source.Length && (char.IsAsciiHexDigit(source[at]) || source[at] == '_')) at++;
            tokens.Add(new(TokenKind.Int, source[start..at], start));
            return;
        }
        Digits();
        var kind = TokenKind.Int;
        if (!afterDot)
        {
            if (at + 1 < source.Length && source[at] == '.' && char.IsAsciiDigit(source[at + 1]))
            {
                at++;
                Digits();
                kind = TokenKind.Float;
            }
            var exponent = at + 1 < source.Length && source[at] is 'e' or 'E' ? at + (source[at + 1] is '+' or '-' ? 2 : 1) : source.Length;
            if (exponent < source.Length && char.IsAsciiDigit(source[exponent]))
            {
                at = exponent;
                Digits();
                kind = TokenKind.Float;
            }
        }
        tokens.Add(new(kind, source[start..at].Replace("_", "", StringComparison.Ordinal), start));
    }

    void Digits()
    {
        while (at < source.Length && (char.IsAsciiDigit(source[at]) || (source[at] == '_' && at + 1 < source.Length && char.IsAsciiDigit(source[at + 1])))) at++;
    }

    // Python's escapes.
    void String(char quote)
    {
        var start = at++;
        var text = new StringBuilder();
        for (; at < source.Length && source[at] != quote; at++)
        {
            if (source[at] != '\\' || at + 1 >= source.Length)
            {
                text.Append(source[at]);
                continue;
            }
            var c = source[++at];
            switch (c)
            {
                case 'n': text.Append('\n'); break;
                case 'r': text.Append('\r'); break;
                case 't': text.Append('\t'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'v': text.Append('\v'); break;
                case 'a': text.Append('\a'); break;
                case '\n': break;
                case '\\' or '\'' or '"': text.Append(c); break;
                case 'x': Code(text, 2); break;
                case 'u': Code(text, 4); break;
                case 'U': Code(text, 8); break;
                case >= '0' and <= '7':
                    var value = 0;
                    var from = at;
                    while (at < source.Length && at < from + 3 && source[at] is >= '0' and <= '7') value = value * 8 + source[at++] - '0';
                    at--;
                    text.Append((char)value);
                    break;
                default: text.Append('\\').Append(c); break;
            }
        }
        if (at >= source.Length) throw Bad(start, "a string without an end");
        at++;
        tokens.Add(new(TokenKind.String, text.ToString(), start));
    }

    void Code(StringBuilder text, int digits)
    {
        if (at + digits >= source.Length || !int.TryParse(source.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code is < 0 or > 0x10FFFF)
            throw Bad(at - 1, "an escape that is no character");
        at += digits;
        if (code is >= 0xD800 and <= 0xDFFF || code <= 0xFFFF) text.Append((char)code);
        else text.Append(char.ConvertFromUtf32(code));
    }
}
