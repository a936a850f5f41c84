// Reading conversations: the corpus of hostile rows, and the forms that are accepted.
using System.Diagnostics;
using System.Globalization;
using Aerie.Data;

namespace Aerie.Tests.Data;

public class ConversationReaderTests
{
    [Fact]
    public void Hostile_files_are_judged_as_the_corpus_says()
    {
        using var folder = Golden.Temporary();
        var wrong = new List<string>();
        foreach (var item in Golden.Lines("hostile", "jsonl", "manifest.jsonl"))
        {
            var name = item.GetProperty("file").GetString()!;
            var path = item.TryGetProperty("generate", out var recipe) ? Generated.File(recipe, folder.File("generated.jsonl")) : Golden.Path("hostile", "jsonl", name);
            var watch = Stopwatch.StartNew();
            var (verdict, message) = ("accept", "");
            try
            {
                ConversationReader.Read(path);
            }
            catch (AerieException problem)
            {
                (verdict, message) = ("reject", problem.Message);
            }
            catch (Exception problem)
            {
                verdict = problem.ToString();
            }
            if (verdict != item.GetProperty("expect").GetString() && !(item.TryGetProperty("also_fine", out var fine) && fine.GetString() == verdict)) wrong.Add($"{name}: {verdict} {message}");
            if (verdict == "reject" && item.TryGetProperty("line", out var line) && !message.Contains($"line {line.GetInt32().ToString(CultureInfo.InvariantCulture)}:", StringComparison.Ordinal)) wrong.Add($"{name}: {message}");
            if (watch.Elapsed > TimeSpan.FromSeconds(40)) wrong.Add($"{name}: {watch.Elapsed}");
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

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
