// Tokenizers against the Hugging Face library's ids, texts and streams, and against the corpus of hostile files.
using System.Diagnostics;
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class TokenizerTests
{
    public static TheoryData<string> Cases => Golden.Cases("tokenizers");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Ids_and_texts_are_those_of_the_library(string name)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", name));
        var wrong = new List<string>();
        var count = 0;
        foreach (var row in Golden.Lines("tokenizers", name, "cases.jsonl"))
        {
            count++;
            var text = row.GetProperty("text").GetString()!;
            var ids = Ids(row);
            var got = tokenizer.Encode(text, row.GetProperty("add_special_tokens").GetBoolean(), row.TryGetProperty("split_special_tokens", out var split) && split.GetBoolean());
            if (!got.SequenceEqual(ids)) wrong.Add($"encode {Short(text)}: {string.Join(' ', got)} not {string.Join(' ', ids)}");
            if (row.TryGetProperty("tokens", out var tokens) && !tokens.EnumerateArray().Select(t => t.GetString()).SequenceEqual(ids.Select(tokenizer.TokenOf))) wrong.Add($"tokens {Short(text)}");
            if (!row.TryGetProperty("decoded", out var decoded)) continue;
            Check("decode", tokenizer.Decode(ids), decoded);
            Check("decode without special", tokenizer.Decode(ids, skipSpecialTokens: true), row.TryGetProperty("decoded_skip_special", out var skipped) ? skipped : decoded);
        }
        foreach (var row in Golden.Lines("tokenizers", name, "decode_cases.jsonl"))
        {
            Check("decode", tokenizer.Decode(Ids(row)), row.GetProperty("text"));
            Check("decode without special", tokenizer.Decode(Ids(row), skipSpecialTokens: true), row.GetProperty("text_skip_special"));
        }
        foreach (var row in Golden.Lines("tokenizers", name, "stream_cases.jsonl"))
        {
            var stream = new TokenStream(tokenizer, row.GetProperty("skip_special_tokens").GetBoolean());
            var pieces = Ids(row).Select(stream.Next).ToArray();
            if (!pieces.SequenceEqual(row.GetProperty("pieces").EnumerateArray().Select(p => p.GetString()))) wrong.Add($"stream {row.GetRawText()}: {string.Join('|', pieces)}");
            Check("rest", stream.Rest(), row.GetProperty("rest"));
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong of {count}: {string.Join("\n", wrong.Take(12))}");

        void Check(string what, string got, JsonElement want)
        {
            if (got != want.GetString()) wrong.Add($"{what}: {Short(got)} not {Short(want.GetString()!)}");
        }
    }

    [Fact]
    public void Hostile_files_are_judged_as_the_corpus_says()
    {
        var wrong = new List<string>();
        foreach (var item in Golden.Lines("hostile", "tokenizer", "manifest.jsonl"))
        {
            var name = item.GetProperty("file").GetString()!;
            var input = item.TryGetProperty("input", out var given) ? given : default;
            var text = input.ValueKind == JsonValueKind.Object ? string.Concat(Enumerable.Repeat(input.GetProperty("repeat").GetString(), input.GetProperty("times").GetInt32())) : input.GetString()!;
            var watch = Stopwatch.StartNew();
            string verdict;
            try
            {
                Tokenizer.Load(Golden.Path("hostile", "tokenizer", name)).Encode(text);
                verdict = "accept";
            }
            catch (AerieException)
            {
                verdict = "reject";
            }
            catch (Exception problem)
            {
                verdict = problem.ToString();
            }
            if (verdict != item.GetProperty("expect").GetString() && !(item.TryGetProperty("also_fine", out var fine) && fine.GetString() == verdict)) wrong.Add($"{name}: {verdict}");
            if (watch.Elapsed > TimeSpan.FromSeconds(40)) wrong.Add($"{name}: {watch.Elapsed}");
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

    static int[] Ids(JsonElement row) => [.. row.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

    static string Short(string text) => JsonSerializer.Serialize(text.Length > 80 ? text[..80] : text);
}
