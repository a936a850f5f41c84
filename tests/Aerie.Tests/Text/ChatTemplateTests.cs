// Chat templates against what transformers renders, and against the corpus of hostile files.
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class ChatTemplateTests
{
    public static TheoryData<string> Cases => Golden.Cases("chat_templates");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Text_and_spans_are_those_of_transformers(string folder)
    {
        var parameters = JsonDocument.Parse(File.ReadAllText(Golden.Path("chat_templates", folder, "case.json"))).RootElement.GetProperty("parameters");
        var now = DateTime.Parse(parameters.GetProperty("now").GetString()!, CultureInfo.InvariantCulture);
        var compiled = new Dictionary<string, ChatTemplate>();
        var wrong = new List<string>();
        foreach (var row in Golden.Lines("chat_templates", folder, "cases.jsonl"))
        {
            var variables = Objects(parameters, "variables").Concat(Objects(row, "variables")).GroupBy(p => p.Name).ToDictionary(g => g.Key, g => g.Last().Value);
            string got;
            RenderedChat? rendered = null;
            try
            {
                rendered = Template(row).Render([.. row.GetProperty("messages").EnumerateArray()], new ChatTemplateOptions
                {
                    AddGenerationPrompt = row.GetProperty("add_generation_prompt").GetBoolean(),
                    Tools = Optional(row, "tools"),
                    Documents = Optional(row, "documents"),
                    Variables = variables,
                    Now = now,
                    ContinueFinalMessage = Optional(row, "continue_final_message") is { } field && field.ValueKind != JsonValueKind.False ? field.ValueKind == JsonValueKind.String ? field.GetString() : "content" : null,
                });
                got = rendered.Text;
            }
            catch (AerieException problem)
            {
                got = "error: " + problem.Message;
            }
            var right = row.TryGetProperty("expected", out var expected) ? got == expected.GetString() : got.StartsWith("error: ", StringComparison.Ordinal) && got.Contains(row.GetProperty("error").GetString()!, StringComparison.Ordinal);
            if (right && rendered is not null && row.TryGetProperty("generation_spans", out var spans))
                right = rendered.GenerationSpans.SequenceEqual(spans.EnumerateArray().Select(s => (s[0].GetInt32(), s[1].GetInt32())));
            if (!right) wrong.Add($"{(row.TryGetProperty("template", out var own) ? own.GetString() : row.GetRawText()[..Math.Min(300, row.GetRawText().Length)])}\n   got  {Shown(got)}\n   want {(row.TryGetProperty("expected", out var e) ? Shown(e.GetString()!) : row.GetProperty("error").GetRawText())}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} wrong:\n{string.Join("\n", wrong.Take(20))}");

        ChatTemplate Template(JsonElement row)
        {
            if (row.TryGetProperty("template", out var own)) return new ChatTemplate(own.GetString()!);
            var file = row.TryGetProperty("template_file", out var named) ? named.GetString()! : parameters.GetProperty("template").GetString()!;
            return compiled.TryGetValue(file, out var known) ? known : compiled[file] = ChatTemplate.Load(Golden.Path("chat_templates", folder, file));
        }
    }

    [Fact]
    public void Hostile_templates_are_judged_as_the_corpus_says()
    {
        var messages = JsonDocument.Parse("""[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello."}]""").RootElement.EnumerateArray().ToArray();
        var wrong = new List<string>();
        foreach (var item in Golden.Lines("hostile", "chat_template", "manifest.jsonl"))
        {
            var name = item.GetProperty("file").GetString()!;
            var watch = Stopwatch.StartNew();
            string verdict;
            try
            {
                using var folder = Golden.Temporary();
                var path = item.TryGetProperty("generate", out var recipe) ? Generated.File(recipe, folder.File("generated")) : Golden.Path("hostile", "chat_template", name);
                ChatTemplate.Load(path).Render(messages);
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

    [Theory]
    [InlineData("a\n  {% frobnicate %}", "line 2, column 6")]
    [InlineData("{{ x | frobnicate }}", "line 1, column 8")]
    [InlineData("\n\n{{ x.y.z }}", "line 3")]
    public void Errors_name_their_place(string template, string place)
    {
        var problem = Assert.Throws<AerieException>(() => new ChatTemplate(template).Render([]));
        Assert.Contains(place, problem.Message, StringComparison.Ordinal);
    }

    static JsonElement? Optional(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static JsonProperty[] Objects(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToArray() : [];

    static string Shown(string text) => text.Length > 600 ? text[..600].Replace("\n", "\\n", StringComparison.Ordinal) : text.Replace("\n", "\\n", StringComparison.Ordinal);
}
