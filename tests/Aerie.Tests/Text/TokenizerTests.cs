// Tokenizers against the Hugging Face library's ids, texts and streams, and against the corpus of hostile files.
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class TokenizerTests
{
    public static TheoryData<string> Cases => Golden.Cases("tokenizers");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_texts_and_streams_are_those_of_the_library(string name) => Golden.Check("tokenizers", name);

    [Fact]
    public void Hostile_files_are_judged_as_the_corpus_says()
    {
        var wrong = new List<string>();
        foreach (var item in Golden.Lines("hostile", "tokenizer", "manifest.jsonl"))
        {
            var name = item.GetProperty("file").GetString()!;
            var input = item.TryGetProperty("input", out var given) ? given : default;
            var text = input.ValueKind == JsonValueKind.Object ? string.Concat(Enumerable.Repeat(input.GetProperty("repeat").GetString(), input.GetProperty("times").GetInt32())) : input.GetString()!;
            var verdict = HostileCost.Verdict(() => Tokenizer.Load(Golden.Path("hostile", "tokenizer", name)).Encode(text));
            if (verdict != item.GetProperty("expect").GetString() && !(item.TryGetProperty("also_fine", out var fine) && fine.GetString() == verdict)) wrong.Add($"{name}: {verdict}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

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
}
