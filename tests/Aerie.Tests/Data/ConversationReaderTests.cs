// Reading conversations: the forms that are accepted. (The corpus of hostile rows: Parity/HostileFileTests.)
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
}
