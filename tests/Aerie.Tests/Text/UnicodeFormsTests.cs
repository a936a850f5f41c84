// Normalization forms: examples of UAX #15 (composed and decomposed letters, order of marks, Hangul, compatibility).
using Aerie.Text.Components;

namespace Aerie.Tests.Text;

public class UnicodeFormsTests
{
    [Theory]
    [InlineData("\u212B", "\u00C5", "A\u030A", "\u00C5")]                                   // Angstrom sign
    [InlineData("\u1E0A\u0323", "\u1E0C\u0307", "D\u0323\u0307", "\u1E0C\u0307")]           // marks change places
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307", "q\u0323\u0307")]
    [InlineData("\uFB01n", "\uFB01n", "\uFB01n", "fin")]
    [InlineData("한글", "한글", "\u1112\u1161\u11AB\u1100\u1173\u11AF", "한글")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]                   // excluded from composition
    [InlineData("2\u2075", "2\u2075", "2\u2075", "25")]
    public void Forms_are_those_of_the_standard(string text, string nfc, string nfd, string nfkc)
    {
        Assert.Equal(nfc, UnicodeForms.Normalize(text, compose: true, compatible: false));
        Assert.Equal(nfd, UnicodeForms.Normalize(text, compose: false, compatible: false));
        Assert.Equal(nfkc, UnicodeForms.Normalize(text, compose: true, compatible: true));
        Assert.Equal(nfc, string.Concat(UnicodeForms.Parts(text).Select(p => UnicodeForms.Normalize(text[p.Start..p.End], compose: true, compatible: false))));
    }

    [Fact]
    public void Text_that_is_left_alone_is_normal_already()
    {
        // Mostly characters that stay, some that combine, vowels and ends of Hangul, compatibility forms, and anything at all.
        var (random, kept) = (new Random(3), 0);
        int[] strange = [0x300, 0x301, 0x323, 0x344, 0x1161, 0x11A8, 0x1100, 0xAC00, 0x9BE, 0x9C7, 0xDD9, 0xDCF, 0xDCA, 0xFB01, 0x212B, 0x1E9B, 0x958, 0x2F800, 0x1D15E, 0xF73, 0x3099, 0x304B];
        for (var round = 0; round < 3000; round++)
        {
            var text = new System.Text.StringBuilder();
            for (var i = random.Next(1, 12); i > 0; i--)
            {
                var rune = random.Next(8) switch { 0 when round % 2 == 0 => strange[random.Next(strange.Length)], 1 => random.Next(0x110000), 2 => 0x4E00 + random.Next(100), 3 => 0xAC00 + random.Next(2000), _ => 0x41 + random.Next(0x200) };
                text.Append(System.Text.Rune.IsValid(rune) ? new System.Text.Rune(rune).ToString() : "é");
            }
            for (var form = 0; form < 4; form++)
            {
                var (given, compose, compatible) = (text.ToString(), (form & 1) != 0, (form & 2) != 0);
                var normal = UnicodeForms.Normalize(given, compose, compatible);
                Assert.Equal(UnicodeForms.Full(given, compose, compatible), normal);
                if (ReferenceEquals(given, normal)) kept++;
            }
        }
        Assert.True(kept > 1000, $"{kept}");
    }
}
