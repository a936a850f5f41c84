// Loss masks against NeMo AutoModel's and transformers', and Aerie's own rule on the shared example.
using System.Text.Json;
using Aerie.Data;
using Aerie.Data.LossMasks;
using Aerie.Text;

namespace Aerie.Tests.Data;

public class LossMaskTests
{
    [Theory]
    [InlineData("llama3")]
    [InlineData("qwen3")]
    public void Masks_are_those_of_the_field(string name) => Golden.Check("loss_masks", name);

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
    public void An_answer_that_a_limit_stopped_is_learnt_without_an_end()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.jsonl"), """
            {"messages": [{"role": "user", "content": "Two birds?"}, {"role": "assistant", "content": "Eagle, owl."}, {"role": "user", "content": "More?"}, {"role": "assistant", "content": "Kite, wren,"}], "finish_reason": "length"}
            """);
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
        var template = ChatTemplate.Load(Golden.Path("loss_masks", "llama3", "llama3.jinja"), tokenizer.SpecialTokens);
        var conversation = ConversationReader.Read(folder.File("a.jsonl")).Single();
        var row = new LossMask(tokenizer, template, new()).Rows(conversation).Single();
        Assert.Equal("Eagle, owl.<|eot_id|>Kite, wren,", tokenizer.Decode(row.Ids.Where((_, t) => row.LossMask[t])));
        var theirs = new LossMask(tokenizer, template, new(LossMaskRule.Speculators)).Rows(conversation);
        Assert.EndsWith("Kite, wren,<|eot_id|>", tokenizer.Decode(theirs[^1].Ids.Where((_, t) => theirs[^1].LossMask[t])), StringComparison.Ordinal);
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

    [Theory]
    [InlineData("loss_masks/llama3/llama3.jinja", "<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>")]
    [InlineData("loss_masks/qwen3/qwen3.jinja", "<|im_start|>assistant\n", "<|im_end|>\n")]
    [InlineData("loss_masks/qwen3/chatml-thinking.jinja", "<|im_start|>assistant\n", "<|im_end|>\n")]
    [InlineData("chat_templates/mistral/template.jinja", "[/INST]", "<|eot_id|>")]
    [InlineData("chat_templates/deepseek/template.jinja", "<｜Assistant｜>", "<｜end▁of▁sentence｜>")]
    [InlineData("chat_templates/gemma/template.jinja", "<start_of_turn>model\n", "<end_of_turn>\n")]
    [InlineData("loss_masks/qwen3/chatml-prefilled.jinja", "<|im_start|>assistant\n", "<|im_end|>\n")]
    public void SpecForges_headers_are_told_from_the_template(string file, string header, string end)
    {
        var folder = Path.GetDirectoryName(Golden.Path(file))!;
        var tokenizer = Tokenizer.Load(File.Exists(Path.Combine(folder, Tokenizer.FileName)) ? folder : Golden.Path("loss_masks", "llama3"));
        var found = SpecForgeTemplate.From(ChatTemplate.Load(Golden.Path(file), tokenizer.SpecialTokens), tokenizer);
        Assert.Equal((header, end, null), (found.AssistantHeader, found.EndOfTurn, found.SystemPrompt));
    }

    [Fact]
    public void SpecForges_templates_go_by_their_names()
    {
        Assert.Equal("<|im_end|>\n", SpecForgeTemplate.Find("qwen").EndOfTurn);
        Assert.Contains("harmony", Assert.Throws<AerieException>(() => SpecForgeTemplate.Find("gpt-oss")).Message, StringComparison.Ordinal);
        Assert.Contains("qwen", Assert.Throws<AerieException>(() => SpecForgeTemplate.Find("quen")).Hint, StringComparison.Ordinal);
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
        Assert.Throws<AerieException>(() => SpecForgeTemplate.From(new ChatTemplate("{{ messages[0].content }}"), tokenizer));
        // Turns that end in one control token, and the last in another: no end can be told, half a token is none.
        const string twoEnds = "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{{ m.content }}{{ '<|end_of_text|>' if loop.last else '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant{% endif %}";
        Assert.Throws<AerieException>(() => SpecForgeTemplate.From(new ChatTemplate(twoEnds), tokenizer));
        Assert.Throws<AerieException>(() => new LossMask(tokenizer, new ChatTemplate("{{ messages[0].content }}"), new(LossMaskRule.GenerationTags)));
    }

    [Fact]
    public void Tokens_and_texts_that_are_given_are_taken_as_they_are()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
        var template = ChatTemplate.Load(Golden.Path("loss_masks", "llama3", "llama3.jinja"), tokenizer.SpecialTokens);
        Conversation Row(string json, LossMaskRule rule = LossMaskRule.Aerie) => ConversationRow.Read(JsonDocument.Parse(json).RootElement, "row", needAnswers: true, rule);
        var given = new LossMask(tokenizer, template, new(SeqLength: 3)).Rows(Row("""{"input_ids":[5,6,7,8],"loss_mask":[0,1,1,0],"domain":"x"}""")).Single();
        Assert.Equal([5, 6, 7], given.Ids);
        Assert.Equal([false, true, true], given.LossMask);
        Assert.True(given is { Domain: "x", WasCut: true });
        const string written = """{"text":"<|start_header_id|>assistant<|end_header_id|>\n\nHi.<|eot_id|>"}""";
        var text = Row(written, LossMaskRule.SpecForge);
        Assert.Contains("specforge", Assert.Throws<AerieException>(() => Row(written)).Hint, StringComparison.Ordinal);
        Assert.Equal("Hi.<|eot_id|>", tokenizer.Decode(Supervised(new LossMask(tokenizer, template, new(LossMaskRule.SpecForge)).Rows(text).Single())));
        Assert.Contains("specforge", Assert.Throws<AerieException>(() => new LossMask(tokenizer, template, new()).Rows(text)).Hint, StringComparison.Ordinal);
        Assert.Contains("99999999", Assert.Throws<AerieException>(() => new LossMask(tokenizer, template, new()).Rows(Row("""{"input_ids":[99999999],"loss_mask":[1]}"""))).Message, StringComparison.Ordinal);
        foreach (var wrong in new[] { """{"input_ids":[1]}""", """{"input_ids":[1,2],"loss_mask":[1]}""", """{"input_ids":[],"loss_mask":[]}""", """{"input_ids":[-1],"loss_mask":[1]}""", """{"input_ids":[1],"loss_mask":[2]}""", """{"input_ids":1,"loss_mask":[1]}""" })
            Assert.Throws<AerieException>(() => Row(wrong));
    }

    [Theory]
    [InlineData(LossMaskRule.Aerie)]
    [InlineData(LossMaskRule.Speculators)]
    public void Reasoning_is_hidden_in_rows_of_single_answers_too(LossMaskRule rule)
    {
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "qwen3"));
        var template = ChatTemplate.Load(Golden.Path("loss_masks", "qwen3", "qwen3.jinja"), tokenizer.SpecialTokens);
        JsonElement Answer(string thought, string said) => JsonDocument.Parse($$"""{"role":"assistant","content":"{{said}}","reasoning_content":"{{thought}}"}""").RootElement;
        var talk = new Conversation([Conversation.Message("user", "2+2?"), Answer("Two and two.", "4"), Conversation.Message("user", "3+3?"), Answer("Three twice.", "6")]);
        var plain = new LossMask(tokenizer, template, new(rule)).Rows(talk).Select(r => tokenizer.Decode(Supervised(r))).ToList();
        var hidden = new LossMask(tokenizer, template, new(rule, MaskReasoning: true)).Rows(talk).Select(r => tokenizer.Decode(Supervised(r))).ToList();
        Assert.Equal(2, plain.Count);
        Assert.Contains("Two and two.", plain[0], StringComparison.Ordinal);
        Assert.DoesNotContain("Two and two.", hidden[0], StringComparison.Ordinal);
        Assert.DoesNotContain("Three twice.", hidden[1], StringComparison.Ordinal);
        Assert.Contains("4<|im_end|>", hidden[0], StringComparison.Ordinal);
        Assert.Contains("6<|im_end|>", hidden[1], StringComparison.Ordinal);
        Assert.Single(new LossMask(tokenizer, template, new(rule, LastTurnOnly: true)).Rows(talk));
        Assert.Throws<AerieException>(() => new LossMask(tokenizer, template, new(LossMaskRule.SpecForge, MaskReasoning: true)));
    }

    [Fact]
    public void The_account_is_the_runs_and_pieces_are_the_text()
    {
        var tokenizer = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
        var template = ChatTemplate.Load(Golden.Path("loss_masks", "llama3", "llama3.jinja"), tokenizer.SpecialTokens);
        Conversation[] conversations = [.. Enumerable.Range(0, 120).Select(i => Conversation.Of(("user", $"{i}?"), ("assistant", string.Concat(Enumerable.Repeat("Größe 🦅 ", 1 + i % 40)))) with { Source = $"row {i}" })];
        var options = new LossMaskOptions(SeqLength: 100);
        var (rows, report) = ConversationTokenizer.Tokenize(conversations, tokenizer, template, options);
        Assert.Equal(conversations.Select(c => c.Source), rows.Select(r => r.Source));
        Assert.Equal((120, rows.Count(r => r.WasCut), rows.Max(r => r.FullLength), rows.MaxBy(r => r.FullLength)!.Source), (report.Lengths.Values.Sum(), report.Cut, report.Longest, report.LongestSource));
        var account = ConversationTokenizer.Account([.. conversations, Conversation.Of(("user", "?")) with { Source = "row 120" }], tokenizer, template, options);
        Assert.Equal((121, report.Kept, report.Tokens, report.Supervised), (account.Read, account.Kept, account.Tokens, account.Supervised));
        Assert.Equal([new KeyValuePair<string, int>("has no assistant turn", 1)], account.Dropped);
        Assert.Contains("row 120", Assert.Throws<AerieException>(() => ConversationTokenizer.Tokenize([Conversation.Of(("user", "?")) with { Source = "row 120" }, Conversation.Of(("user", "?")) with { Source = "row 121" }], tokenizer, template, options)).Message, StringComparison.Ordinal);
        foreach (var row in rows.Take(45))
        {
            var pieces = SamplePieces.Of(row, tokenizer);
            Assert.Equal(tokenizer.Decode(row.Ids), string.Concat(pieces.Select(p => p.Text)));
            Assert.Equal((row.Ids.Length, row.Supervised), (pieces.Sum(p => p.Tokens), pieces.Where(p => p.Supervised).Sum(p => p.Tokens)));
        }
    }

    static IEnumerable<int> Supervised(TokenizedConversation row) => row.Ids.Where((_, t) => row.LossMask[t]);
}
