// Loss masks against NeMo AutoModel's and transformers', and Aerie's own rule on the shared example.
using System.Text.Json;
using Aerie.Data;
using Aerie.Text;

namespace Aerie.Tests.Data;

public class LossMaskTests
{
    [Theory]
    [InlineData("llama3")]
    [InlineData("qwen3")]
    public void Masks_are_those_of_the_field(string group)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", group));
        var templates = new Dictionary<string, ChatTemplate>();
        var wrong = new List<string>();
        var count = 0;
        foreach (var row in Golden.Lines("loss_masks", group, "cases.jsonl").Where(r => r.GetProperty("semantics").GetString() is "automodel" or "generation_tags"))
        {
            count++;
            var file = row.GetProperty("template").GetString()!;
            if (!templates.TryGetValue(file, out var template)) template = templates[file] = ChatTemplate.Load(Golden.Path("loss_masks", group, file), tokenizer.SpecialTokens);
            var options = row.GetProperty("options");
            var length = options.TryGetProperty("seq_length", out var s) || (options.TryGetProperty("max_length", out s) && s.ValueKind == JsonValueKind.Number) ? s.GetInt32() : 0;
            string got;
            try
            {
                var conversation = ConversationRow.Read(row.GetProperty("input"), "row", needAnswers: false);
                var result = new LossMask(tokenizer, template, new(LossMaskRule.Automodel, length, Flag("mask_history"), Flag("mask_reasoning_content"))).Rows(conversation).Single();
                got = $"{string.Join(' ', result.Ids)} | {string.Join(' ', result.LossMask.Select(m => m ? 1 : 0))}";
            }
            catch (AerieException problem)
            {
                got = $"error {problem.Message}";
            }
            var want = row.TryGetProperty("rows", out var rows) ? Expected(rows[0]) : "error";
            if (want == "error" ? !got.StartsWith("error", StringComparison.Ordinal) : got != want) wrong.Add($"{row.GetProperty("name")} {file} {options}\n   got  {got}\n   want {want}");

            bool Flag(string name) => options.TryGetProperty(name, out var flag) && flag.GetBoolean();
        }
        Assert.True(count > 50 && wrong.Count == 0, $"{wrong.Count} of {count} wrong:\n{string.Join("\n", wrong.Take(5))}");
    }

    // The padding of a row is the trainer's, not the data's.
    static string Expected(JsonElement row)
    {
        int[] ids = [.. row.GetProperty("input_ids").EnumerateArray().Select(v => v.GetInt32())];
        var mask = row.GetProperty("loss_mask").EnumerateArray().Select(v => v.GetInt32());
        var attended = row.TryGetProperty("attention_mask", out var attention) ? attention.EnumerateArray().Sum(v => v.GetInt32()) : ids.Length;
        return $"{string.Join(' ', ids.Take(attended))} | {string.Join(' ', mask.Take(attended))}";
    }

    [Fact]
    public void Our_own_mask_is_the_answer_and_its_end_of_turn()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
        var template = ChatTemplate.Load(Golden.Path("loss_masks", "llama3", "llama3.jinja"), tokenizer.SpecialTokens);
        var conversation = Conversation.Of(("user", "Two birds?"), ("assistant", "Eagle, owl."), ("user", "Faster?"), ("assistant", "Eagle."));
        var row = new LossMask(tokenizer, template, new()).Rows(conversation).Single();
        // Rows sp1 and sp2 of the table in loss_masks/README.md, in one.
        Assert.Equal([18, 19, 20, 21, 22, 23, 24, 39, 40, 41], Enumerable.Range(0, row.Ids.Length).Where(t => row.LossMask[t]));
        Assert.Equal("Eagle, owl.<|eot_id|>Eagle.<|eot_id|>", tokenizer.Decode(row.Ids.Where((_, t) => row.LossMask[t])));
        var cut = new LossMask(tokenizer, template, new(SeqLength: 20)).Rows(conversation).Single();
        Assert.True(cut is { WasCut: true, Supervised: 2, Ids.Length: 20 });
    }

    [Fact]
    public void What_the_template_writes_after_the_turn_is_not_supervised()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", "smollm-digits-bytelevel"));
        const string chatMl = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
        var conversations = new[] { Conversation.Of(("user", "Hi"), ("assistant", "Hello there.")) with { Domain = "talk" }, Conversation.Of(("user", "Hi"), ("assistant", "Hello.")) };
        var (rows, report) = ConversationTokenizer.Tokenize(conversations, tokenizer, new ChatTemplate(chatMl), new());
        Assert.Equal("Hello there.<|im_end|>", tokenizer.Decode(rows[0].Ids.Where((_, t) => rows[0].LossMask[t])));
        Assert.Equal((2, 2, 0), (report.Read, report.Kept, report.Cut));
        Assert.Equal(rows.Sum(r => r.Supervised), report.Supervised);
        Assert.Equal(["", "talk"], report.Domains.Keys);
        Assert.Throws<AerieException>(() => ConversationTokenizer.Tokenize(conversations, tokenizer, new ChatTemplate(chatMl), new(SeqLength: 3)));
        Assert.Throws<AerieException>(() => ConversationTokenizer.Tokenize([], tokenizer, new ChatTemplate(chatMl), new()));
    }

    [Fact]
    public void A_template_that_rewrites_earlier_turns_gives_a_row_per_answer()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("tokenizers", "smollm-digits-bytelevel"));
        const string lastOnly = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content if loop.last or m.role == 'user' else '...' }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        var rows = new LossMask(tokenizer, new ChatTemplate(lastOnly), new()).Rows(Conversation.Of(("user", "a"), ("assistant", "one"), ("user", "b"), ("assistant", "two")));
        Assert.Equal(["one<|im_end|>", "two<|im_end|>"], rows.Select(r => tokenizer.Decode(r.Ids.Where((_, t) => r.LossMask[t]))));
    }
}
