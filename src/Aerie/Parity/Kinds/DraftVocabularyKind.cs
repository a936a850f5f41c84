// Kind `draft_vocabulary`: counts, the choice by a rule, d2t, t2d and coverage; counts of several stages are added.
using System.Runtime.InteropServices;
using Aerie.Data;
using Aerie.Formats;

namespace Aerie.Parity.Kinds;

static class DraftVocabularyKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var rule = folder.Text("rule") switch
        {
            "automodel" => DraftVocabularyRule.Automodel,
            "specforge" => DraftVocabularyRule.SpecForge,
            "speculators" => DraftVocabularyRule.Speculators,
            var other => throw folder.NotSupported($"the rule `{other}` for draft vocabularies"),
        };
        using var tokens = SafetensorsFolder.Open(folder.File("tokens.safetensors"));
        using var expected = SafetensorsFolder.Open(folder.File("expected.safetensors"));
        var counts = new TokenCounts(folder.Int("target_vocab_size"));
        var stages = folder.Int("stages");
        for (var stage = 0; stage < stages; stage++) AddStage(counts, tokens, stages == 1 ? "" : $".{stage}");

        var specials = folder.Parameters.GetProperty("special_token_ids").EnumerateArray().Select(id => id.ValueKind == System.Text.Json.JsonValueKind.Null ? (int?)null : id.GetInt32());
        var chosen = DraftVocabulary.Choose(counts, folder.Int("draft_vocab_size"), rule, specials);
        yield return folder.Compare("counts", counts.Counts, Longs(expected, "counts"));
        yield return folder.Compare("selected_ids", Array.ConvertAll(chosen.SelectedIds.ToArray(), id => (long)id), Longs(expected, "selected_ids"));
        yield return folder.Compare("d2t", chosen.D2T, Longs(expected, "d2t"));
        yield return folder.Compare("t2d", chosen.T2D, Array.ConvertAll(expected.Bytes("t2d").ToArray(), b => b != 0));
        yield return folder.Compare("coverage", chosen.Coverage(counts), expected.ReadFloat32("coverage")[0]);
    }

    static void AddStage(TokenCounts counts, SafetensorsFolder tokens, string suffix)
    {
        var (ids, mask) = (Longs(tokens, "input_ids" + suffix), Longs(tokens, "loss_mask" + suffix));
        var length = (int)tokens.Get("input_ids" + suffix).Shape[^1];
        for (var start = 0; start < ids.Length; start += length)
        {
            // Ids beyond 32 bits are outside every vocabulary.
            counts.Add(Array.ConvertAll(ids[start..(start + length)], id => id is >= 0 and <= int.MaxValue ? (int)id : -1),
                Array.ConvertAll(mask[start..(start + length)], m => m == 1));
        }
    }

    static long[] Longs(SafetensorsFolder file, string name) => MemoryMarshal.Cast<byte, long>(file.Bytes(name)).ToArray();
}
