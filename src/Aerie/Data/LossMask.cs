// Which tokens of a conversation are supervised.
//   aerie      what the assistant says and its end-of-turn token: not the header, nothing that the template writes after the turn
//   automodel  NeMo AutoModel: assistant message i from the end of render(messages[..i]) to that of render(messages[..i+1]), header and all
// Both go by {% generation %} where the template has it.
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Data;

/// <summary>Whose rule says which tokens are supervised.</summary>
public enum LossMaskRule
{
    /// <summary>The answer as the model says it: from after the generation prompt to its end-of-turn token.</summary>
    Aerie,
    /// <summary>NeMo AutoModel's: the whole assistant message as the template writes it.</summary>
    Automodel,
}

/// <summary>How a conversation becomes tokens.</summary>
/// <param name="Rule">Which tokens are supervised.</param>
/// <param name="SeqLength">Longer ones are cut on the right; 0: never.</param>
/// <param name="LastTurnOnly">Only the last answer is supervised.</param>
/// <param name="MaskReasoning">Reasoning is not supervised.</param>
public sealed record LossMaskOptions(LossMaskRule Rule = LossMaskRule.Aerie, int SeqLength = 0, bool LastTurnOnly = false, bool MaskReasoning = false);

/// <summary>A conversation as tokens.</summary>
/// <param name="Ids">Token ids [T].</param>
/// <param name="LossMask">Which of them are supervised [T].</param>
/// <param name="Domain">What it is about; null if the data does not say.</param>
/// <param name="WasCut">It was longer than the sequence length.</param>
public sealed record TokenizedConversation(int[] Ids, bool[] LossMask, string? Domain = null, bool WasCut = false)
{
    /// <summary>Supervised tokens.</summary>
    public int Supervised => LossMask.Count(true);
}

/// <summary>Turns conversations into tokens and loss masks.</summary>
public sealed class LossMask(Tokenizer tokenizer, ChatTemplate template, LossMaskOptions options)
{
    /// <summary>The rows of a conversation: one; or, under <see cref="LossMaskRule.Aerie"/> where the template rewrites earlier turns, one per answer.</summary>
    /// <exception cref="AerieException">The template refuses the conversation, or its answers cannot be told from the rest.</exception>
    public IReadOnlyList<TokenizedConversation> Rows(Conversation conversation)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        if (!conversation.HasAnswer) throw new AerieException($"{conversation.Source}: has no assistant turn");
        if (template.MarksGeneration) return [Finished(conversation, Marked(conversation))];
        if (options.Rule == LossMaskRule.Automodel) return [Finished(conversation, ByPrefixes(conversation))];
        if (Whole(conversation) is { } whole) return [Finished(conversation, whole)];
        return [.. Answers(conversation).Select(i => Part(conversation, i)).OfType<Draft>().Select(row => Finished(conversation, row))];
    }

    // Ids and mask before they are cut.
    sealed record Draft(List<int> Ids, bool[] Mask);

    static IEnumerable<int> Answers(Conversation conversation) => Enumerable.Range(0, conversation.Messages.Count).Where(i => conversation.RoleOf(i) == "assistant");

    string Text(Conversation conversation, int messages, bool prompt = false) => Render(conversation, [.. conversation.Messages.Take(messages)], prompt).Text;

    RenderedChat Render(Conversation conversation, IReadOnlyList<JsonElement> messages, bool prompt = false)
    {
        try
        {
            return template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = prompt, Tools = conversation.Tools });
        }
        catch (AerieException problem) when (conversation.Source.Length > 0)
        {
            throw new AerieException($"{conversation.Source}: {problem.Message}", problem.Hint, problem);
        }
    }

    List<int> Ids(Conversation conversation, int messages, bool prompt = false) => tokenizer.Encode(Text(conversation, messages, prompt));

    // {% generation %}: from the first token that covers the span's first character to the first that covers its last one.
    Draft Marked(Conversation conversation)
    {
        var rendered = Render(conversation, conversation.Messages);
        var (ids, places) = tokenizer.EncodeWithPlaces(rendered.Text);
        if (options.SeqLength > 0 && ids.Count > options.SeqLength) places.RemoveRange(options.SeqLength, places.Count - options.SeqLength);
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
        return new Draft(ids, mask);

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

    Draft ByPrefixes(Conversation conversation)
    {
        var ids = Ids(conversation, conversation.Messages.Count);
        var mask = new bool[ids.Count];
        foreach (var i in Answers(conversation))
        {
            var (from, to) = (Prefix(i), Prefix(i + 1));
            for (var t = from; t < to; t++) mask[t] = true;
        }
        return new Draft(ids, mask);

        // The length of the first messages' tokens, which must begin the whole; the last may be eos instead.
        int Prefix(int messages)
        {
            if (messages == 0) throw new AerieException($"{conversation.Source}: begins with an assistant turn");
            var prefix = Ids(conversation, messages);
            var (length, limit) = (prefix.Count, options.SeqLength > 0 ? Math.Min(options.SeqLength, ids.Count) : ids.Count);
            if (options.SeqLength > 0) length = Math.Min(length, options.SeqLength);
            var same = CommonPrefix(prefix, ids);
            if (length > limit || (same < length && !(same == length - 1 && prefix[same] == tokenizer.SpecialId("eos_token"))))
                throw new AerieException($"{conversation.Source}: the chat template rewrites earlier turns, so the answers cannot be told from the rest", "Use the default loss mask, or a template with {% generation %}.");
            return length;
        }
    }

    // One row with every answer; null where an answer's prompt is not the beginning of the whole.
    Draft? Whole(Conversation conversation)
    {
        var ids = Ids(conversation, conversation.Messages.Count);
        var mask = new bool[ids.Count];
        foreach (var i in Answers(conversation).Where(i => i > 0))
        {
            var (prompt, answered) = (Ids(conversation, i, prompt: true), Ids(conversation, i + 1));
            if (CommonPrefix(prompt, ids) < prompt.Count || CommonPrefix(answered, ids) < answered.Count || answered.Count < prompt.Count) return null;
            Mark(ids, mask, prompt.Count, answered.Count);
        }
        return new Draft(ids, mask);
    }

    // The conversation up to an answer. Where the prompt is not its beginning, their common prefix is, if that is not inside an earlier turn; else null.
    Draft? Part(Conversation conversation, int answer)
    {
        if (answer == 0) return null;
        var (prompt, ids) = (Ids(conversation, answer, prompt: true), Ids(conversation, answer + 1));
        var start = CommonPrefix(prompt, ids);
        if (start < prompt.Count)
        {
            var before = Ids(conversation, answer);
            if (CommonPrefix(before, ids) < before.Count || start < before.Count) return null;
        }
        var mask = new bool[ids.Count];
        Mark(ids, mask, start, ids.Count);
        return new Draft(ids, mask);
    }

    // Up to the turn's last control token, its end; what the template writes after that nobody generates.
    void Mark(List<int> ids, bool[] mask, int from, int to)
    {
        var end = to;
        while (end > from && !(tokenizer.AddedTokens.TryGetValue(ids[end - 1], out var token) && token.Special)) end--;
        for (var t = from; t < (end > from ? end : to); t++) mask[t] = true;
    }

    static int CommonPrefix(List<int> a, List<int> b)
    {
        var length = 0;
        while (length < a.Count && length < b.Count && a[length] == b[length]) length++;
        return length;
    }

    TokenizedConversation Finished(Conversation conversation, Draft row)
    {
        if (options.MaskReasoning) HideReasoning(conversation, row);
        if (options.LastTurnOnly) KeepLastRun(row.Mask, options.SeqLength);
        var length = options.SeqLength > 0 ? Math.Min(options.SeqLength, row.Ids.Count) : row.Ids.Count;
        return new TokenizedConversation([.. row.Ids.Take(length)], row.Mask[..length], conversation.Domain, length < row.Ids.Count);
    }

    // The tokens that change when a message's reasoning is left empty.
    void HideReasoning(Conversation conversation, Draft row)
    {
        foreach (var i in Answers(conversation))
        {
            if (!conversation.Messages[i].TryGetProperty("reasoning_content", out var reasoning) || reasoning.ValueEquals("")) continue;
            JsonElement[] messages = [.. conversation.Messages];
            messages[i] = WithoutReasoning(messages[i]);
            var other = tokenizer.Encode(Render(conversation, messages).Text);
            var start = CommonPrefix(row.Ids, other);
            var tail = 0;
            while (tail < Math.Min(row.Ids.Count, other.Count) - start && row.Ids[^(tail + 1)] == other[^(tail + 1)]) tail++;
            for (var t = start; t < row.Ids.Count - tail; t++) row.Mask[t] = false;
        }
    }

    static JsonElement WithoutReasoning(JsonElement message)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var item in message.EnumerateObject())
            {
                if (item.NameEquals("reasoning_content")) json.WriteString("reasoning_content", "");
                else item.WriteTo(json);
            }
            json.WriteEndObject();
        }
        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }

    static void KeepLastRun(bool[] mask, int seqLength)
    {
        var end = seqLength > 0 ? Math.Min(seqLength, mask.Length) : mask.Length;
        while (end > 0 && !mask[end - 1]) end--;
        var start = end;
        while (start > 0 && mask[start - 1]) start--;
        Array.Clear(mask, 0, start);
    }
}
