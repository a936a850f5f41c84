// Kind `chat_template`: the rendered text and the generation spans must be those of transformers; where it refuses, so must we.
using System.Globalization;
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Parity.Kinds;

static class ChatTemplateKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var compiled = new Dictionary<string, ChatTemplate>();
        var now = DateTime.Parse(folder.Text("now"), CultureInfo.InvariantCulture);
        yield return JsonRows.Check(folder, "rendered", folder.Text("cases"), Wrong);

        string? Wrong(JsonElement row)
        {
            RenderedChat rendered;
            try
            {
                rendered = Template(row).Render([.. row.GetProperty("messages").EnumerateArray()], new ChatTemplateOptions
                {
                    AddGenerationPrompt = row.GetProperty("add_generation_prompt").GetBoolean(),
                    Tools = Optional(row, "tools"),
                    Documents = Optional(row, "documents"),
                    Variables = Variables(row),
                    Now = now,
                    ContinueFinalMessage = Optional(row, "continue_final_message") switch { null or { ValueKind: JsonValueKind.False } => null, { ValueKind: JsonValueKind.String } field => field.GetString(), _ => "content" },
                });
            }
            catch (AerieException problem)
            {
                return row.TryGetProperty("error", out var error) && problem.Message.Contains(error.GetString()!, StringComparison.Ordinal) ? null : $"error '{problem.Message}'";
            }
            if (!row.TryGetProperty("expected", out var expected) || rendered.Text != expected.GetString()) return $"'{rendered.Text}'";
            return !row.TryGetProperty("generation_spans", out var spans) || rendered.GenerationSpans.SequenceEqual(spans.EnumerateArray().Select(s => (s[0].GetInt32(), s[1].GetInt32()))) ? null : $"spans {string.Join(' ', rendered.GenerationSpans)}";
        }

        ChatTemplate Template(JsonElement row)
        {
            if (row.TryGetProperty("template", out var own)) return new ChatTemplate(own.GetString()!);
            var file = row.TryGetProperty("template_file", out var named) ? named.GetString()! : folder.Text("template");
            return compiled.TryGetValue(file, out var known) ? known : compiled[file] = ChatTemplate.Load(folder.File(file));
        }

        Dictionary<string, JsonElement> Variables(JsonElement row)
        {
            var variables = new Dictionary<string, JsonElement>();
            foreach (var from in new[] { folder.Parameters, row })
            {
                if (Optional(from, "variables") is not { ValueKind: JsonValueKind.Object } given) continue;
                foreach (var item in given.EnumerateObject()) variables[item.Name] = item.Value;
            }
            return variables;
        }
    }

    static JsonElement? Optional(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
