// transformers' return_assistant_tokens_mask: the spans that the template marks with {% generation %}, from the first token that covers a
// span's first character to the first one that covers its last.
namespace Aerie.Data.LossMasks;

sealed class GenerationTags(Renderings renderings, int seqLength) : IMaskRule
{
    public IEnumerable<MaskedTokens> Rows(Conversation conversation)
    {
        var rendered = renderings.Render(conversation, conversation.Messages);
        var (ids, places) = renderings.Tokenizer.EncodeWithPlaces(rendered.Text);
        if (seqLength > 0 && ids.Count > seqLength) places.RemoveRange(seqLength, places.Count - seqLength);
        var mask = new bool[ids.Count];
        var units = Units(rendered.Text);
        foreach (var (start, end) in rendered.GenerationSpans)
        {
            var first = start < end ? places.FindIndex(p => Covers(p, units[start])) : places.FindIndex(p => Covers(p, start < units.Length ? units[start] : -1));
            if (first < 0) break;
            var last = end > 0 ? places.FindIndex(p => Covers(p, units[end - 1])) : -1;
            if (last <= 0) last = places.Count - 1;
            for (var i = first; i <= last; i++) mask[i] = true;
        }
        return [new(ids, mask)];

        static bool Covers((int Start, int End) place, int at) => place.Start <= at && at < place.End;
    }

    // The place in UTF-16 of each code point, and of the end.
    static int[] Units(string text)
    {
        var units = new List<int>(text.Length + 1);
        for (var i = 0; i < text.Length; i++)
        {
            if (i == 0 || !char.IsLowSurrogate(text[i]) || !char.IsHighSurrogate(text[i - 1])) units.Add(i);
        }
        return [.. units];
    }
}
