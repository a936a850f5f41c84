// Normalization forms: examples of UAX #15 (composed and decomposed letters, order of marks, Hangul, compatibility).
using Aerie.Text;

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
}
