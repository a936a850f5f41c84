// The matcher for tokenizers' regular expressions: against .NET's where both mean the same (ASCII text), and where they do not.
using System.Text.RegularExpressions;
using Aerie.Text.Patterns;

namespace Aerie.Tests.Text;

public class PatternTests
{
    public static TheoryData<string> Same =>
    [
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"(?:ab|a)*?b|(?>a+)b|x{2,4}y|(?<=a)b+(?<!bb)|z?z?z",
        @"\w+(?=\d)|[^\W\d]{2}|\s*\n|.",
    ];

    [Theory]
    [MemberData(nameof(Same))]
    public void Matches_of_ASCII_are_those_of_NET(string pattern)
    {
        var (ours, theirs, random) = (new Pattern(pattern), new Regex(pattern, RegexOptions.CultureInvariant), new Random(5));
        foreach (var alphabet in (string[])["ab", "aAzZ19 '.\n\r\tsd", "axbyz b\n", "aBc '\"d1,.   \n/"])
        {
            for (var round = 0; round < 300; round++)
            {
                var text = string.Create(random.Next(60), random, (span, dice) => dice.GetItems(alphabet, span));
                Assert.Equal(theirs.Matches(text).Where(m => m.Length > 0).Select(m => (m.Index, m.Index + m.Length)), ours.Matches(text));
            }
        }
    }

    // As Oniguruma has it; .NET's differs in each.
    [Theory]
    [InlineData(@"\p{L}+", "a\U00020B9Cb", "a\U00020B9Cb")]              // characters, not UTF-16 units
    [InlineData(@"[^\p{L}]?\p{L}+", "\U0001F985abc", "\U0001F985abc")]
    [InlineData(@"\d{1,3}+", "123456", "123456")]                        // {n,m}+ is no possessive loop
    [InlineData(@"a++a|a", "aaa", "a")]                                  // ++ is
    [InlineData(@"[a-z&&[^aeiou]]+", "abcde", "bcd")]                    // intersection
    [InlineData(@"(?i:'s)", "'\u017F", "'\u017F")]                       // the long s folds to s
    [InlineData(@"\p{Han}+", "a\u4E2D\u6587b", "\u4E2D\u6587")]          // a script
    [InlineData(@"\p{^L}+", "ab12cd", "12")]
    [InlineData(@"a$", "a\nb", "a")]                                     // $ ends a line
    [InlineData(@"\s+", "a\u0085\u3000b", "\u0085\u3000")]
    [InlineData(@"\s+|\u200B", "\u200B", "\u200B")]
    public void Differences_to_NET(string pattern, string text, string first)
    {
        var (start, end) = new Pattern(pattern).Matches(text)[0];
        Assert.Equal(first, text[start..end]);
    }
}
