// Reading conversations: the forms that are accepted. (The corpus of hostile rows: Parity/HostileFileTests.)
using System.Text.Json;
using Aerie.Data;

namespace Aerie.Tests.Data;

public class ConversationReaderTests
{
    [Fact]
    public void Json_json_lines_folders_and_prompts_are_read()
    {
        using var folder = Golden.Temporary();
        const string row = """{"domain":"talk","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello."}]}""";
        File.WriteAllText(folder.File("a.json"), $"[{row},\n {row}]");
        File.WriteAllText(folder.File("b.jsonl"), $"{row}\n\n{row}");
        File.WriteAllText(folder.File("c.json"), row.Replace(",", ",\n", StringComparison.Ordinal));
        File.WriteAllText(folder.File("d.json"), $"{row}\n{row}\n");
        var all = ConversationReader.Read(folder.Path);
        Assert.Equal(7, all.Count);
        Assert.All(all, c => Assert.Equal(("talk", "user", "Hello."), (c.Domain, c.RoleOf(0), c.ContentOf(1))));
        Assert.EndsWith("b.jsonl: line 3", all[3].Source);

        File.WriteAllText(folder.File("p.jsonl"), """{"kind":"email","prompt":"Write."}""" + "\n" + """{"messages":[{"role":"user","content":"Hi"}]}""");
        var prompts = ConversationReader.ReadPrompts(folder.File("p.jsonl"));
        Assert.Equal([("email", "Write."), (null, "Hi")], prompts.Select(p => (p.Domain, p.ContentOf(0))));
        Assert.Contains("line 1", Assert.Throws<AerieException>(() => ConversationReader.Read(folder.File("p.jsonl"))).Message);
        Assert.Throws<AerieException>(() => ConversationReader.Read(folder.File("none.jsonl")));
    }

    [Theory]
    [InlineData("PAR1 and so on", "Parquet")]
    [InlineData("PK\u0003\u0004", "zip")]
    [InlineData("\u001f\u008b\u0008", "gzip")]
    [InlineData("(\u00b5/\u00fd", "Zstandard")]
    public void Other_forms_of_files_are_named(string content, string name)
    {
        using var folder = Golden.Temporary();
        File.WriteAllBytes(folder.File("x.jsonl"), System.Text.Encoding.Latin1.GetBytes(content));
        Assert.Contains(name, Assert.Throws<AerieException>(() => ConversationReader.Read(folder.File("x.jsonl"))).Message, StringComparison.Ordinal);
    }

    const string Call = """[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"town\": \"Århus\"}"}}]""";

    [Theory]
    // Arguments: objects for the template by our rule, Python's text by AutoModel's, as given by speculators'.
    [InlineData(LossMaskRule.Aerie, "messages", """{"town": "Århus"}""", true)]
    [InlineData(LossMaskRule.SpecForge, "conversations", """{"town": "Århus"}""", true)]
    [InlineData(LossMaskRule.Automodel, "messages", """{"town": "Århus"}""", false)]
    [InlineData(LossMaskRule.Speculators, "conversations", """{"town": "Århus"}""", false)]
    public void Tool_calls_are_brought_into_the_form_of_the_rule(LossMaskRule rule, string key, string arguments, bool parsed)
    {
        var row = $$$"""{"{{{key}}}":[{"role":"user","content":"?"},{"role":"assistant","content":null,"thinking":"Hm.","tool_calls":{{{Call}}}},{"role":"tool","content":"3","tool_call_id":"c1"}],"tools":"[{}]"}""";
        var conversation = ConversationRow.Read(JsonDocument.Parse(row).RootElement, "row", needAnswers: true, rule);
        var got = conversation.Messages[1].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments");
        Assert.Equal((parsed ? JsonValueKind.Object : JsonValueKind.String, arguments), (got.ValueKind, parsed ? got.GetRawText() : got.GetString()));
        Assert.Equal(rule != LossMaskRule.Automodel, conversation.Messages[1].TryGetProperty("reasoning_content", out _));
        Assert.Equal(("c1", 1), (conversation.Messages[2].GetProperty("tool_call_id").GetString(), conversation.Tools!.Value.GetArrayLength()));
    }

    [Fact]
    public void Objects_as_arguments_become_pythons_text_for_automodel_only()
    {
        const string row = """{"messages":[{"role":"user","content":"?"},{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"town":"Århus","n":1.0}}}]}]}""";
        string Arguments(LossMaskRule rule) => ConversationRow.Read(JsonDocument.Parse(row).RootElement, "row", needAnswers: true, rule).Messages[1].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetRawText();
        Assert.Equal("""{"town":"Århus","n":1.0}""", Arguments(LossMaskRule.Aerie));
        Assert.Equal(JsonSerializer.Serialize("""{"town": "\u00c5rhus", "n": 1.0}"""), JsonSerializer.Serialize(JsonDocument.Parse(Arguments(LossMaskRule.Automodel)).RootElement.GetString()));
    }

    [Theory]
    [InlineData("""{"prompt":"Hi","completion":"Hello."}""", "user:Hi assistant:Hello.")]
    [InlineData("""{"prompt":[{"role":"system","content":"S"},{"role":"user","content":"Hi"}],"completion":[{"role":"assistant","content":"Hello."}]}""", "system:S user:Hi assistant:Hello.")]
    [InlineData("""{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello."},{"from":"tool","value":"t"}]}""", "user:Hi assistant:Hello. tool:t")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":["Hel",{"type":"text","text":"lo."}]}]}""", "user:Hi assistant:Hel lo.")]
    public void Forms_of_rows(string row, string messages)
    {
        var conversation = ConversationRow.Read(JsonDocument.Parse(row).RootElement, "row", needAnswers: true);
        Assert.Equal(messages, string.Join(' ', Enumerable.Range(0, conversation.Messages.Count).Select(i => $"{conversation.RoleOf(i)}:{conversation.ContentOf(i)}")));
    }

    [Theory]
    [InlineData("""{"prompt":"Hi"}""", "neither")]
    [InlineData("""{"prompt":["Hi"],"completion":"x"}""", "prompt[0]")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}]}""", "function_call")]
    [InlineData("""{"conversations":[{"from":"human","value":"Hi"},{"from":"eagle-7b","value":"x"}]}""", "eagle-7b")]
    public void What_is_not_read_is_said(string row, string message) =>
        Assert.Contains(message, Assert.Throws<AerieException>(() => ConversationRow.Read(JsonDocument.Parse(row).RootElement, "row", needAnswers: true)).Message, StringComparison.Ordinal);
}
