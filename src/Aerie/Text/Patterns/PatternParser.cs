// Parses the regular expressions of tokenizer.json: Oniguruma with Ruby syntax, as far as tokenizers use it. Differences from .NET
// that matter: characters are code points; `x{1,3}+` is not possessive; && intersects classes, nested [..] unite; $ and ^ are line anchors.
using System.Globalization;
using System.Text;

namespace Aerie.Text.Patterns;

ref struct PatternParser
{
    const int DeepestNesting = 50, LargestClass = 5_000;

    readonly string pattern;
    int at;
    int depth;
    bool ignoreCase;

    PatternParser(string pattern) => this.pattern = pattern;

    internal static PatternNode Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var node = parser.Alternatives();
        return parser.at == pattern.Length ? node : throw parser.Bad("a closing parenthesis without an opening one");
    }

    readonly bool More => at < pattern.Length;

    readonly AerieException Bad(string what) => new($"regular expression {pattern}: {what} at character {at + 1}");

    bool Take(char c)
    {
        if (!More || pattern[at] != c) return false;
        at++;
        return true;
    }

    bool Take(string text)
    {
        if (string.CompareOrdinal(pattern, at, text, 0, text.Length) != 0) return false;
        at += text.Length;
        return true;
    }

    int Character()
    {
        if (!More) throw Bad("it ends early");
        Rune.DecodeFromUtf16(pattern.AsSpan(at), out var rune, out var length);
        at += length;
        return rune.Value;
    }

    PatternNode Alternatives()
    {
        if (++depth > DeepestNesting) throw Bad($"more than {DeepestNesting} groups in each other");
        var parts = new List<PatternNode> { Sequence() };
        while (Take('|')) parts.Add(Sequence());
        depth--;
        return parts.Count == 1 ? parts[0] : new PatternNode.Either(parts);
    }

    PatternNode Sequence()
    {
        var parts = new List<PatternNode>();
        while (More && pattern[at] is not ('|' or ')')) parts.Add(Quantified());
        return parts.Count == 1 ? parts[0] : new PatternNode.Sequence(parts);
    }

    PatternNode Quantified()
    {
        var node = Atom();
        while (More)
        {
            int min, max;
            var braces = false;
            if (Take('*')) (min, max) = (0, -1);
            else if (Take('+')) (min, max) = (1, -1);
            else if (Take('?')) (min, max) = (0, 1);
            else if (Braces(out min, out max)) braces = true;
            else break;
            var kind = LoopKind.Greedy;
            if (Take('?')) kind = braces && min == max ? throw Bad("`{n}?` is not supported") : LoopKind.Lazy;
            else if (!braces && Take('+')) kind = LoopKind.Possessive;
            if (max < 0 && node.CanBeEmpty) throw Bad("repeating what can match nothing is not supported");
            node = new PatternNode.Loop(node, min, max, kind);
        }
        return node;
    }

    // {n}, {n,}, {,m}, {n,m}; anything else is literal text.
    bool Braces(out int min, out int max)
    {
        (min, max) = (0, -1);
        var end = More && pattern[at] == '{' ? pattern.IndexOf('}', at) : -1;
        if (end < 0) return false;
        var parts = pattern[(at + 1)..end].Split(',');
        if (parts.Length > 2 || parts.Any(p => !p.All(char.IsAsciiDigit)) || parts.All(p => p.Length == 0)) return false;
        min = Count(parts[0], 0);
        max = parts.Length == 1 ? min : Count(parts[1], -1);
        if (max >= 0 && max < min) throw Bad("a repetition whose limits are reversed");
        at = end + 1;
        return true;
    }

    readonly int Count(string digits, int otherwise) =>
        digits.Length == 0 ? otherwise : int.TryParse(digits, CultureInfo.InvariantCulture, out var n) && n <= 1000 ? n : throw Bad("a repetition above 1,000");

    PatternNode Atom()
    {
        switch (pattern[at])
        {
            case '(': return Group();
            case '[': at++; return new PatternNode.One(Class());
            case '.': at++; return new PatternNode.One(RuneSet.NotNewLine);
            case '^': at++; return new PatternNode.At(Place.LineStart);
            case '$': at++; return new PatternNode.At(Place.LineEnd);
            case '*' or '+' or '?': throw Bad("nothing to repeat");
            case '\\':
                if (Take("\\A")) return new PatternNode.At(Place.TextStart);
                if (Take("\\z")) return new PatternNode.At(Place.TextEnd);
                return new PatternNode.One(Escape(out var literal) ?? Literal(literal));
            default: return new PatternNode.One(Literal(Character()));
        }
    }

    PatternNode Group()
    {
        at++;
        var outer = ignoreCase;
        Func<PatternNode, PatternNode> wrap = body => body;
        if (Take("?:")) { }
        else if (Take("?>")) wrap = body => new PatternNode.Atomic(body);
        else if (Take("?=")) wrap = body => new PatternNode.Look(body, Behind: false, Negative: false);
        else if (Take("?!")) wrap = body => new PatternNode.Look(body, Behind: false, Negative: true);
        else if (Take("?<=")) wrap = body => new PatternNode.Look(body, Behind: true, Negative: false);
        else if (Take("?<!")) wrap = body => new PatternNode.Look(body, Behind: true, Negative: true);
        else if (Take("?i:")) ignoreCase = true;
        else if (Take("?-i:")) ignoreCase = false;
        else if (Take("?")) throw Bad("this kind of group is not supported");
        var inner = Alternatives();
        if (!Take(')')) throw Bad("a group is not closed");
        ignoreCase = outer;
        var node = wrap(inner);
        if (node is PatternNode.Look { Behind: true } && inner.FixedLength < 0) throw Bad("looking back over a varying length is not supported");
        return node;
    }

    // After '['.
    RuneSet Class()
    {
        if (++depth > DeepestNesting) throw Bad($"more than {DeepestNesting} classes in each other");
        var negative = Take('^');
        RuneSet? whole = null;
        var items = new List<RuneSet?>();
        var count = 0;
        while (!Take(']'))
        {
            if (!More) throw Bad("a class is not closed");
            if (++count > LargestClass) throw Bad($"a class of more than {LargestClass} items");
            if (!Take("&&"))
            {
                items.Add(ClassItem());
                continue;
            }
            whole = Meet(whole, items.Count > 0 ? items : throw Bad("nothing before &&"));
            items = [];
        }
        depth--;
        whole = Meet(whole, items.Count > 0 ? items : throw Bad("an empty class"));
        return negative ? whole.Not() : whole;
    }

    static RuneSet Meet(RuneSet? a, List<RuneSet?> b) => a is null ? RuneSet.Union(b)! : a.And(RuneSet.Union(b)!);

    RuneSet ClassItem()
    {
        if (Take("[:")) throw Bad("[: :] is not supported");
        if (Take('[')) return Class();
        if (ClassCharacter(out var from) is { } set) return set;
        // A '-' before ']' or '&&' stands for itself.
        if (!More || pattern[at] != '-' || at + 1 >= pattern.Length || pattern[at + 1] is ']' or '&') return Literal(from);
        at++;
        if (ClassCharacter(out var to) is not null) throw Bad("a range that ends in a class");
        if (to < from) throw Bad("a range that goes backwards");
        var range = RuneSet.Range(from, to);
        if (!ignoreCase) return range;
        if (to - from > 1000) throw Bad("so long a range without case is not supported");
        var letters = new List<RuneSet?> { range };
        for (var rune = from; rune <= to; rune++) letters.Add(Literal(rune));
        return RuneSet.Union(letters)!;
    }

    RuneSet? ClassCharacter(out int literal)
    {
        if (More && pattern[at] == '\\') return Escape(out literal);
        literal = Character();
        return null;
    }

    // A class, or null and a character.
    RuneSet? Escape(out int literal)
    {
        literal = 0;
        at++;
        var c = Character();
        switch (c)
        {
            case 's': return RuneSet.White;
            case 'S': return RuneSet.White.Not();
            case 'd': return RuneSet.Digit;
            case 'D': return RuneSet.Digit.Not();
            case 'w': return RuneSet.Word;
            case 'W': return RuneSet.Word.Not();
            case 'p' or 'P': return Property(c == 'P');
            case 'n': literal = '\n'; return null;
            case 'r': literal = '\r'; return null;
            case 't': literal = '\t'; return null;
            case 'f': literal = '\f'; return null;
            case 'v': literal = '\v'; return null;
            case 'a': literal = '\a'; return null;
            case 'e': literal = 0x1B; return null;
            case 'x' when Take('{'): literal = Hex(pattern.IndexOf('}', at) - at); at++; return null;
            case 'x': literal = Hex(2); return null;
            case 'u': literal = Hex(4); return null;
            case < 128 when char.IsAsciiLetterOrDigit((char)c): throw Bad($"\\{(char)c} is not supported");
            default: literal = c; return null;
        }
    }

    int Hex(int digits)
    {
        if (digits < 1 || digits > 6 || at + digits > pattern.Length || !int.TryParse(pattern.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Bad("a character code that is no hexadecimal number");
        at += digits;
        return value;
    }

    RuneSet Property(bool negative)
    {
        var end = Take('{') ? pattern.IndexOf('}', at) : -1;
        if (end < 0) throw Bad("\\p without a name in braces");
        if (Take('^')) negative = !negative;
        var name = pattern[at..end];
        var set = RuneSet.Named(name) ?? throw Bad($"there is no character property {name} here");
        at = end + 1;
        return negative ? set.Not() : set;
    }

    // Without case: also the two letters outside ASCII that fold to s and k.
    readonly RuneSet Literal(int rune)
    {
        if (!ignoreCase || !Rune.IsValid(rune)) return RuneSet.Range(rune, rune);
        var lower = Folded(rune);
        return new RuneSet(other => Rune.IsValid(other) && Folded(other) == lower);
    }

    static int Folded(int rune) => rune switch
    {
        0x17F => 's',
        0x212A => 'k',
        _ => Rune.ToLowerInvariant(Rune.ToUpperInvariant(new Rune(rune))).Value,
    };
}
