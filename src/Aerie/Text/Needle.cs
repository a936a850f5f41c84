// The `pattern` of Split and Replace: a literal string or a regular expression.
using Aerie.Text.Patterns;

namespace Aerie.Text;

sealed class Needle
{
    /// <summary>What ByteLevel splits by.</summary>
    internal static readonly Needle Gpt2 = new(new Pattern(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"));

    internal Needle(ComponentJson json)
    {
        var child = json.Child("pattern") ?? throw json.Bad("has no 'pattern'");
        Literal = child.TextOrNull("String");
        if (Literal is null) Pattern = new Pattern(child.Text("Regex"));
        if (Literal is "" || Pattern is { CanBeEmpty: true }) throw json.Bad("its pattern matches the empty text");
    }

    Needle(Pattern pattern) => Pattern = pattern;

    internal string? Literal { get; }

    internal Pattern? Pattern { get; }

    internal List<(int Start, int End)> Matches(string text)
    {
        if (Pattern is not null) return Pattern.Matches(text);
        var found = new List<(int, int)>();
        var literal = Literal!;
        for (var at = text.IndexOf(literal, StringComparison.Ordinal); at >= 0; at = text.IndexOf(literal, at + literal.Length, StringComparison.Ordinal)) found.Add((at, at + literal.Length));
        return found;
    }
}
