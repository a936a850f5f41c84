// Kind `loss_mask`: token ids and supervised tokens of conversations, under the semantics of NeMo AutoModel and of {% generation %}.
using System.Text.Json;
using Aerie.Data;
using Aerie.Text;

namespace Aerie.Parity.Kinds;

static class LossMaskKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var tokenizer = Tokenizer.Load(folder.File(folder.Text("tokenizer")));
        var templates = new Dictionary<string, ChatTemplate>();
        foreach (var semantics in new[] { "automodel", "generation_tags" })
            yield return JsonRows.Check(folder, semantics, folder.Text("cases"), row => row.GetProperty("semantics").ValueEquals(semantics) ? Wrong(row) : null);
        foreach (var semantics in new[] { "specforge", "speculators" })
            yield return ParityResult.NotChecked(semantics, "this version does not compute its masks");

        string? Wrong(JsonElement row)
        {
            var file = row.GetProperty("template").GetString()!;
            if (!templates.TryGetValue(file, out var template)) template = templates[file] = ChatTemplate.Load(folder.File(file), tokenizer.SpecialTokens);
            var options = row.GetProperty("options");
            var length = options.TryGetProperty("seq_length", out var given) || (options.TryGetProperty("max_length", out given) && given.ValueKind == JsonValueKind.Number) ? given.GetInt32() : 0;
            try
            {
                var conversation = ConversationRow.Read(row.GetProperty("input"), "row", needAnswers: false);
                var got = new LossMask(tokenizer, template, new(LossMaskRule.Automodel, length, Flag("mask_history"), Flag("mask_reasoning_content"))).Rows(conversation).Single();
                return row.TryGetProperty("rows", out var rows) && Same(got, rows[0]) ? null : $"ids {string.Join(' ', got.Ids)}, mask {string.Join(' ', got.LossMask.Select(m => m ? 1 : 0))}";
            }
            catch (AerieException problem)
            {
                return row.TryGetProperty("error", out _) ? null : $"error '{problem.Message}'";
            }

            bool Flag(string name) => options.TryGetProperty(name, out var flag) && flag.GetBoolean();
        }
    }

    // The padding of a row is the trainer's, not the data's.
    static bool Same(TokenizedConversation got, JsonElement row)
    {
        var ids = Numbers(row, "input_ids");
        var length = row.TryGetProperty("attention_mask", out _) ? Numbers(row, "attention_mask").Sum() : ids.Length;
        return got.Ids.SequenceEqual(ids.Take(length)) && got.LossMask.Select(m => m ? 1 : 0).SequenceEqual(Numbers(row, "loss_mask").Take(length));
    }

    static int[] Numbers(JsonElement row, string name) => [.. row.GetProperty(name).EnumerateArray().Select(v => v.GetInt32())];
}
