// Where a JSON text is wrong, as a person with an editor counts.
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Tests.Formats;

public sealed class JsonFaultTests
{
    [Theory]
    [InlineData("{\"a\": 1,\n \"b\": ?}", false, " (line 2, byte 7)")]
    [InlineData("{\"a\": ?}", true, " (byte 7)")]
    public void Lines_and_bytes_are_counted_from_1(string text, bool oneLine, string end)
    {
        var words = JsonFault.Words(Fault(text), oneLine);
        Assert.EndsWith(end, words, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", words, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_file_is_called_empty() => Assert.Equal("it is empty", JsonFault.Words(Fault("")));

    static JsonException Fault(string text) => Assert.ThrowsAny<JsonException>(() => JsonDocument.Parse(text));
}
