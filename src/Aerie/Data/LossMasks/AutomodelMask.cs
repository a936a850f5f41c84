// NeMo AutoModel: assistant message i is supervised from the end of render(messages[..i]) to that of render(messages[..i+1]), neither with
// a generation prompt: the header is inside, and so is all that the template writes before the next message.
namespace Aerie.Data.LossMasks;

sealed class AutomodelMask(Renderings renderings, int seqLength) : IMaskRule
{
    public IEnumerable<MaskedTokens> Rows(Conversation conversation)
    {
        var ids = renderings.Ids(conversation, conversation.Messages.Count);
        var mask = new bool[ids.Count];
        foreach (var i in conversation.Answers)
        {
            var (from, to) = (Prefix(conversation, i, ids), Prefix(conversation, i + 1, ids));
            for (var t = from; t < to; t++) mask[t] = true;
        }
        return [new(ids, mask)];
    }

    // The length of the first messages' tokens, which must begin the whole; the last may be eos instead.
    int Prefix(Conversation conversation, int messages, List<int> ids)
    {
        if (messages == 0) throw new AerieException($"{conversation.Source}: begins with an assistant turn");
        var prefix = renderings.Ids(conversation, messages);
        var (length, limit) = (prefix.Count, seqLength > 0 ? Math.Min(seqLength, ids.Count) : ids.Count);
        if (seqLength > 0) length = Math.Min(length, seqLength);
        var same = MaskedTokens.CommonPrefix(prefix, ids);
        if (length > limit || (same < length && !(same == length - 1 && prefix[same] == renderings.Tokenizer.SpecialId("eos_token"))))
            throw new AerieException($"{conversation.Source}: the chat template rewrites earlier turns, so the answers cannot be told from the rest", "Use the default loss mask, or a template with {% generation %}.");
        return length;
    }
}
