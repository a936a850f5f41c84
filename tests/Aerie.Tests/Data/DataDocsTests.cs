// The table of tokens in docs/data.md is what the code does, and slots learn as the shared example of the golden cases says.
// AERIE_WRITE_DOCS=1 rewrites the table.
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aerie.Data;
using Aerie.Tensors;
using Aerie.Text;
using Aerie.Training;

namespace Aerie.Tests.Data;

public sealed class DataDocsTests
{
    static readonly JsonElement Example = JsonDocument.Parse(File.ReadAllText(Golden.Path("loss_masks", "llama3", "shared_example.json"))).RootElement;
    static readonly Tokenizer Tokens = Tokenizer.Load(Golden.Path("loss_masks", "llama3"));
    static readonly Conversation Talk = Conversation.Of(("user", "Two birds?"), ("assistant", "Eagle, owl."), ("user", "Faster?"), ("assistant", "Eagle."));

    [Fact]
    public void The_table_of_tokens_is_what_the_code_does()
    {
        var file = Golden.Path("..", "..", "docs", "data.md");
        var text = File.ReadAllText(file).ReplaceLineEndings("\n");
        const string begin = "<!-- tokens -->\n", end = "<!-- /tokens -->";
        var (from, to) = (text.IndexOf(begin, StringComparison.Ordinal) + begin.Length, text.IndexOf(end, StringComparison.Ordinal));
        if (Environment.GetEnvironmentVariable("AERIE_WRITE_DOCS") == "1") File.WriteAllText(file, text[..from] + Table() + text[to..]);
        else Assert.Equal(Table(), text[from..to]);
    }

    [Theory]
    [InlineData("automodel", LossMaskRule.Automodel, MaskSemantics.AutoModel, "automodel")]
    [InlineData("specforge", LossMaskRule.SpecForge, MaskSemantics.SpecForge, "specforge")]
    [InlineData("speculators", LossMaskRule.Aerie, MaskSemantics.Text, "aerie over speculators' mask")]
    public void Slots_learn_as_the_shared_example_says(string mask, LossMaskRule rule, MaskSemantics semantics, string slots)
    {
        var masks = Example.GetProperty("loss_mask").EnumerateObject().Where(m => m.Name.StartsWith(mask, StringComparison.Ordinal)).Select(m => Bits(m.Value)).ToList();
        var ours = Row(rule);
        Assert.Equal(ours.Ids, Example.GetProperty("input_ids").EnumerateArray().Select(id => id.GetInt32()));
        Assert.Equal(Enumerable.Range(0, ours.Ids.Length).Select(t => masks.Any(m => m[t])), ours.LossMask);
        for (var k = 0; k < 2; k++)
        {
            var wanted = Bits(Example.GetProperty("slots_trained").GetProperty($"{slots}, k={k}"));
            if (semantics == MaskSemantics.SpecForge) Array.Clear(wanted, wanted.Length - 1 - k, 1 + k);   // nothing follows to learn from
            Assert.Equal(wanted, Slots(ours, semantics, k));
        }
    }

    static string Table()
    {
        (string Name, bool[] Values)[] columns =
        [
            ("`aerie`", Row(LossMaskRule.Aerie).LossMask), ("`automodel`", Row(LossMaskRule.Automodel).LossMask), ("`specforge`", Row(LossMaskRule.SpecForge).LossMask), ("`speculators`", Row(LossMaskRule.Speculators).LossMask),
            ("slots k=0: `aerie`", Slots(Row(LossMaskRule.Aerie), MaskSemantics.Text, 0)), ("`automodel`", Slots(Row(LossMaskRule.Automodel), MaskSemantics.AutoModel, 0)), ("`specforge`", Slots(Row(LossMaskRule.SpecForge), MaskSemantics.SpecForge, 0)),
            ("k=1: `aerie`", Slots(Row(LossMaskRule.Aerie), MaskSemantics.Text, 1)), ("`automodel`", Slots(Row(LossMaskRule.Automodel), MaskSemantics.AutoModel, 1)), ("`specforge`", Slots(Row(LossMaskRule.SpecForge), MaskSemantics.SpecForge, 1)),
        ];
        var ids = Row(LossMaskRule.Aerie).Ids;
        var text = new StringBuilder($"| t | token | {string.Join(" | ", columns.Select(c => c.Name))} |\n|---|---|{string.Concat(columns.Select(_ => "---|"))}\n");
        for (var t = 11; t <= 25; t++)
            text.Append(CultureInfo.InvariantCulture, $"| {t} | `{Tokens.Decode([ids[t]]).Replace("\n", "\\n", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal)}` | {string.Join(" | ", columns.Select(c => t < c.Values.Length && c.Values[t] ? "1" : "."))} |\n");
        return text.ToString();
    }

    static TokenizedConversation Row(LossMaskRule rule) => new LossMask(Tokens, ChatTemplate.Load(Golden.Path("loss_masks", "llama3", "llama3.jinja"), Tokens.SpecialTokens), new(rule)).Rows(Talk)[0];

    static bool[] Slots(TokenizedConversation row, MaskSemantics semantics, int k)
    {
        var nothing = Tensor.From([0f], new Shape(1, 1));
        var batch = new Eagle3Batch { Rows = 1, Length = row.Ids.Length, InputIds = row.Ids, LossMask = row.LossMask, AuxHiddenStates = nothing, Teacher = new TargetLogits(nothing) };
        var rules = new SupervisionRules(batch, semantics);
        return [.. Enumerable.Range(0, row.Ids.Length).Select(t => rules.Gate(t, k))];
    }

    static bool[] Bits(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetInt32() == 1)];
}
