// vLLM speculators: a row per answer, rendered as at inference: context is what the generation prompt ends with, the rest is supervised
// to the last token that the template writes. History is never supervised. A conversation that does not fit gives no rows.
namespace Aerie.Data.LossMasks;

sealed class SpeculatorsMask(Renderings renderings, int seqLength) : IMaskRule
{
    public IEnumerable<MaskedTokens> Rows(Conversation conversation)
    {
        var rows = new List<MaskedTokens>();
        foreach (var i in conversation.Answers.Where(i => i > 0))
        {
            List<int> prompt, ids;
            try
            {
                prompt = renderings.Ids(conversation, i, prompt: true);
                if (seqLength > 0 && prompt.Count >= seqLength) continue;
                ids = renderings.Ids(conversation, i + 1);
            }
            catch (AerieException)
            {
                return [];
            }
            if (Boundary(renderings, conversation, i, prompt, ids) is not { } start) return [];
            var mask = new bool[ids.Count];
            Array.Fill(mask, true, start, ids.Count - start);
            rows.Add(new(ids, mask) { Messages = i + 1 });
        }
        return rows;
    }

    /// <summary>Where an answer begins in <paramref name="ids"/>: after its prompt, or, where that is not how they begin, after what both have in common, if earlier turns are whole in it; else null.</summary>
    internal static int? Boundary(Renderings renderings, Conversation conversation, int answer, List<int> prompt, List<int> ids)
    {
        var start = MaskedTokens.CommonPrefix(prompt, ids);
        if (start == prompt.Count) return start;
        var before = renderings.Ids(conversation, answer);
        return MaskedTokens.CommonPrefix(before, ids) < before.Count || start < before.Count ? null : start;
    }
}
