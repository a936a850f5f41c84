// Tokenizers against the Hugging Face library's ids, texts and streams.
using Aerie.Parity.Hostile;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class TokenizerTests
{
    public static TheoryData<string> Cases => Golden.Cases("tokenizers");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_texts_and_streams_are_those_of_the_library(string name) => Golden.Check("tokenizers", name);

    [Fact]
    public void Places_cover_the_characters_of_each_token()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", "llama3-bytelevel"));
        const string text = "<|eot_id|> the 🦅 é";
        var (ids, places) = tokenizer.EncodeWithPlaces(text);
        Assert.Equal(tokenizer.Encode(text), ids);
        Assert.Equal((0, 10), places[0]);
        Assert.All(places, place => Assert.True(place.End > place.Start));
        Assert.Contains(places, place => text[place.Start..place.End].Contains("🦅", StringComparison.Ordinal));
        Assert.Equal(text.Length, places[^1].End);
        for (var i = 1; i < places.Count; i++) Assert.True(places[i].Start == places[i - 1].End || places[i].Start == places[i - 1].Start || places[i].End == places[i - 1].End);
    }

    [Fact]
    public void Many_texts_at_once_are_one_after_the_other()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", "llama3-bytelevel"));
        string[] texts = [.. Golden.Lines("tokenizers", "llama3-bytelevel", "cases.jsonl").Select(row => row.GetProperty("text").GetString()!)];
        var all = tokenizer.EncodeAll(texts, addSpecialTokens: true);
        for (var i = 0; i < texts.Length; i++) Assert.Equal(Tokenizer.Load(Golden.Path("tokenizers", "llama3-bytelevel")).Encode(texts[i], addSpecialTokens: true), all[i]);
    }

    // A megabyte without any place to cut: linear, so within the time and memory that a hostile file may take.
    [Theory]
    [InlineData("llama3-bytelevel")]
    [InlineData("qwen3-bytelevel-nfc")]
    [InlineData("llama2-sentencepiece-prepend")]
    [InlineData("unigram-byte-fallback")]
    [InlineData("split-behaviours-merged")]
    public void A_megabyte_of_one_character_takes_no_more_than_its_length(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", name));
        foreach (var unit in (string[])["a", " ", "🦅", "\u0301", " \n"])
        {
            var text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / System.Text.Encoding.UTF8.GetByteCount(unit)));
            var cost = HostileCost.Of(() => tokenizer.Encode(text));
            Assert.True(cost is { Problem: null, TooMuch: null }, $"'{unit}': {cost}");
        }
    }
}
