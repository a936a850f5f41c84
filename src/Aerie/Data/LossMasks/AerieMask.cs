// Our own rule: what the assistant says and its end-of-turn token; not the header, nothing that the template writes after the turn.
// One row with every answer; where the template rewrites earlier turns, a row per answer, as it is rendered at inference.
namespace Aerie.Data.LossMasks;

sealed class AerieMask(Renderings renderings) : IMaskRule
{
    public IEnumerable<MaskedTokens> Rows(Conversation conversation) =>
        Whole(conversation) is { } whole ? [whole] : conversation.Answers.Select(i => Part(conversation, i)).OfType<MaskedTokens>();

    // Null where an answer's prompt is not the beginning of the whole.
    MaskedTokens? Whole(Conversation conversation)
    {
        var ids = renderings.Ids(conversation, conversation.Messages.Count);
        var mask = new bool[ids.Count];
        foreach (var i in conversation.Answers.Where(i => i > 0))
        {
            var (prompt, answered) = (renderings.Ids(conversation, i, prompt: true), renderings.Ids(conversation, i + 1));
            if (MaskedTokens.CommonPrefix(prompt, ids) < prompt.Count || MaskedTokens.CommonPrefix(answered, ids) < answered.Count || answered.Count < prompt.Count) return null;
            Mark(ids, mask, prompt.Count, answered.Count);
        }
        return new(ids, mask);
    }

    // The conversation up to an answer. Where the prompt is not its beginning, their common prefix is, if that is not inside an earlier turn; else null.
    MaskedTokens? Part(Conversation conversation, int answer)
    {
        if (answer == 0) return null;
        var (prompt, ids) = (renderings.Ids(conversation, answer, prompt: true), renderings.Ids(conversation, answer + 1));
        if (SpeculatorsMask.Boundary(renderings, conversation, answer, prompt, ids) is not { } start) return null;
        var mask = new bool[ids.Count];
        Mark(ids, mask, start, ids.Count);
        return new(ids, mask) { Messages = answer + 1 };
    }

    // Up to the turn's last control token, its end; what the template writes after that nobody generates.
    void Mark(List<int> ids, bool[] mask, int from, int to)
    {
        var end = to;
        while (end > from && !(renderings.Tokenizer.AddedTokens.TryGetValue(ids[end - 1], out var token) && token.Special)) end--;
        for (var t = from; t < (end > from ? end : to); t++) mask[t] = true;
    }
}
