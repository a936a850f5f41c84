// Streams never show half a character, and their pieces are the whole text: emoji, CJK, combining marks, bytes as tokens, torn sequences.
using System.Text;
using Aerie.Parity.Hostile;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class TokenStreamTests
{
    const string Text = "Hi 🦅🏳️‍🌈 中文字 𠜎 é e\u0301 한국어 ไทย \u200D end\n";

    [Theory]
    [InlineData("llama3-bytelevel")]
    [InlineData("llama2-sentencepiece-prepend")]
    [InlineData("mistral-sentencepiece-metaspace-first")]
    [InlineData("unigram-byte-fallback")]
    [InlineData("smollm-digits-bytelevel")]
    public void No_piece_has_half_a_character(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", name));
        var ids = tokenizer.Encode(Text);
        var (stream, all) = (new TokenStream(tokenizer), new StringBuilder());
        foreach (var id in ids)
        {
            var piece = stream.Next(id);
            Assert.DoesNotContain('\uFFFD', piece);
            Assert.False(piece.Length > 0 && (char.IsLowSurrogate(piece[0]) || char.IsHighSurrogate(piece[^1])), piece);
            all.Append(piece);
        }
        Assert.Equal(tokenizer.Decode(ids, skipSpecialTokens: true), all.Append(stream.Rest()).ToString());
        Assert.Contains("🦅", all.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_stream_takes_time_in_its_length_only()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", "llama3-bytelevel"));
        var ids = tokenizer.Encode(string.Concat(Enumerable.Repeat(Text, 400)));
        var cost = HostileCost.Of(() =>
        {
            var (stream, length) = (new TokenStream(tokenizer), 0);
            foreach (var id in ids) length += stream.Next(id).Length;
            Assert.Equal(400 * Text.Length, length + stream.Rest().Length);
        });
        Assert.True(cost is { Problem: null, TooMuch: null }, $"{cost}");
    }

    [Theory]
    [InlineData("llama3-bytelevel")]
    [InlineData("smollm-digits-bytelevel")]
    public void Long_text_comes_back(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", name));
        var text = File.ReadAllText(Golden.Path("tokenizers", "README.md")) + File.ReadAllText(Golden.Path("chat_templates", "README.md"));
        var ids = tokenizer.Encode(text);
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.Equal(ids, tokenizer.Encode(tokenizer.Decode(ids)));
    }
}
