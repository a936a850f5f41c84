// Kind `loss_mask`: token ids and supervised tokens of conversations must be those of NeMo AutoModel, SpecForge, vLLM speculators and
// transformers' {% generation %}; where they refuse a conversation, so must we.
using System.Text.Json;
using Aerie.Data;
using Aerie.Data.LossMasks;
using Aerie.Text;

namespace Aerie.Parity.Kinds;

static class LossMaskKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var tokenizer = Tokenizer.Load(folder.File(folder.Text("tokenizer")));
        var templates = new Dictionary<string, ChatTemplate>();
        var file = folder.File(folder.Text("cases"));
        var rows = File.ReadLines(file).Where(line => line.Length > 0).Select((line, i) => JsonRows.Parse(line, $"{file}: line {i + 1}").RootElement).GroupBy(row => row.GetProperty("semantics").GetString()!).ToList();
        foreach (var group in rows.OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            if (!LossMaskOptions.Names.TryGetValue(group.Key, out var rule)) throw folder.NotSupported($"the loss mask `{group.Key}`");
            var wrong = group.Select(row => (Row: row, What: Wrong(row, rule))).Where(r => r.What is not null).ToList();
            yield return wrong.Count == 0 ? new ParityResult(group.Key, group.Count(), 0, Tolerance.Exact, true)
                : ParityResult.Wrong(group.Key, $"{wrong.Count} of {group.Count()} rows differ; '{wrong[0].Row.GetProperty("name")}' under {wrong[0].Row.GetProperty("template")}: {wrong[0].What}");
        }

        string? Wrong(JsonElement row, LossMaskRule rule)
        {
            var name = row.GetProperty("template").GetString()!;
            if (!templates.TryGetValue(name, out var template)) template = templates[name] = ChatTemplate.Load(folder.File(name), tokenizer.SpecialTokens);
            try
            {
                var conversation = ConversationRow.Read(row.GetProperty("input"), "row", needAnswers: !IsTalk(row.GetProperty("input")), rule);
                var got = new LossMask(tokenizer, template, Options(row.GetProperty("options"), rule)).Rows(conversation);
                if (!row.TryGetProperty("rows", out var rows)) return $"{got.Count} rows where the case has an error";
                if (got.Count != rows.GetArrayLength()) return $"{got.Count} rows where the case has {rows.GetArrayLength()}";
                return got.Select((r, i) => Different(r, rows[i], tokenizer)).FirstOrDefault(what => what is not null);
            }
            catch (AerieException problem)
            {
                return row.TryGetProperty("error", out _) ? null : $"error '{problem.Message}'";
            }
        }
    }

    static bool IsTalk(JsonElement input) => input.TryGetProperty("messages", out _) || input.TryGetProperty("conversations", out _);

    static LossMaskOptions Options(JsonElement options, LossMaskRule rule)
    {
        return new(rule, Whole("seq_length") ?? Whole("max_length") ?? 0, Flag("mask_history") || Flag("train_only_last_turn"), Flag("mask_reasoning_content"),
            options.TryGetProperty("chat_template", out var template) ? Template(template) : null, Whole("minimum_valid_tokens") ?? 0);

        bool Flag(string name) => options.TryGetProperty(name, out var flag) && flag.GetBoolean();
        int? Whole(string name) => options.TryGetProperty(name, out var number) && number.ValueKind == JsonValueKind.Number ? number.GetInt32() : null;
    }

    static SpecForgeTemplate Template(JsonElement json)
    {
        return new(Text("assistant_header")!, Text("end_of_turn_token")!, Text("system_prompt"), Text("parser_type") == "thinking", json.TryGetProperty("enable_thinking", out var enable) && enable.GetBoolean())
        {
            IgnoredTexts = json.TryGetProperty("ignore_token", out var ignored) && ignored.ValueKind == JsonValueKind.Array ? [.. ignored.EnumerateArray().Select(t => t.GetString()!)] : [],
        };

        string? Text(string name) => json.TryGetProperty(name, out var text) ? text.GetString() : null;
    }

    // The padding of a row is the trainer's, not the data's: here it must be no more than that.
    static string? Different(TokenizedConversation got, JsonElement row, Tokenizer tokenizer)
    {
        var (ids, mask) = (Numbers(row, "input_ids"), Numbers(row, "loss_mask"));
        var pad = tokenizer.SpecialId("pad_token") ?? tokenizer.SpecialId("eos_token") ?? -1;
        var length = got.Ids.Length;
        if (ids.Length < length || ids.Skip(length).Any(id => id != pad) || mask.Skip(length).Any(m => m != 0) || !got.Ids.SequenceEqual(ids.Take(length))) return $"ids {string.Join(' ', got.Ids)} where the case has {string.Join(' ', ids)}";
        return got.LossMask.Select(m => m ? 1 : 0).SequenceEqual(mask.Take(length)) ? null : $"mask {string.Concat(got.LossMask.Select(m => m ? 1 : 0))} where the case has {string.Concat(mask)}";
    }

    static int[] Numbers(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];
}
