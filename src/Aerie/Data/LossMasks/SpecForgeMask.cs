// SpecForge: the text is rendered whole and searched for header ... end of turn, wherever they come from (a user's mouth included). A place in
// the text becomes a place in the tokens by encoding what is before it by itself. No match: nothing is supervised.
using System.Text;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Data.LossMasks;

sealed class SpecForgeMask(Renderings renderings, SpecForgeTemplate template, bool lastTurnOnly) : IMaskRule
{
    static readonly JsonElement Yes = JsonDocument.Parse("true").RootElement, No = JsonDocument.Parse("false").RootElement;

    readonly Dictionary<string, JsonElement>? variables = template.Thinking ? new() { ["enable_thinking"] = template.EnableThinking ? Yes : No } : null;

    public IEnumerable<MaskedTokens> Rows(Conversation conversation)
    {
        var text = conversation.Text ?? renderings.Render(conversation with { Tools = conversation.Tools is { } tools && tools.GetArrayLength() > 0 ? tools : null }, Messages(conversation), variables: variables).Text;
        var ids = renderings.Tokenizer.Encode(text);
        var mask = new bool[ids.Count];
        var turns = Turns(text).ToList();
        foreach (var (start, end) in lastTurnOnly ? turns.TakeLast(1) : turns) Fill(start, end, true);
        foreach (var ignored in template.IgnoredTexts)
        {
            for (var at = text.IndexOf(ignored, StringComparison.Ordinal); at >= 0; at = text.IndexOf(ignored, at + ignored.Length, StringComparison.Ordinal)) Fill(at, at + ignored.Length, false);
        }
        return [new(ids, mask)];

        void Fill(int start, int end, bool value)
        {
            var to = Math.Min(Before(end), mask.Length);
            for (var t = Before(start); t < to; t++) mask[t] = value;
        }
        int Before(int at) => renderings.Tokenizer.Encode(text[..at]).Count;
    }

    // header, then the shortest text up to and including the end of turn, or to the end; there a last newline does not count.
    IEnumerable<(int Start, int End)> Turns(string text)
    {
        for (var at = 0; (at = text.IndexOf(template.AssistantHeader, at, StringComparison.Ordinal)) >= 0;)
        {
            var start = at + template.AssistantHeader.Length;
            var last = start < text.Length && text[^1] == '\n' ? text.Length - 1 : text.Length;
            var stop = text.IndexOf(template.EndOfTurn, start, StringComparison.Ordinal);
            at = stop >= 0 && stop <= last ? stop + template.EndOfTurn.Length : last;
            yield return (start, at);
        }
    }

    // The system message given, or the template's; then from the first user message on while roles are in order. What other parsers than
    // `thinking` do not know is left out.
    List<JsonElement> Messages(Conversation conversation)
    {
        var messages = new List<JsonElement>();
        var next = 0;
        if (conversation.Messages.Count > 0 && conversation.RoleOf(0) == "system") messages.Add(conversation.Messages[next++]);
        else if (!string.IsNullOrEmpty(template.SystemPrompt)) messages.Add(Conversation.Message("system", template.SystemPrompt));
        while (next < conversation.Messages.Count && conversation.RoleOf(next) != "user") next++;
        for (var before = ""; next < conversation.Messages.Count; next++)
        {
            var role = conversation.RoleOf(next);
            if ((role == "assistant" && before is not ("user" or "tool")) || (role == "tool" && before is not ("assistant" or "tool"))) break;
            messages.Add(template.Thinking ? conversation.Messages[next] : Plain(conversation.Messages[next]));
            before = role;
        }
        return messages;
    }

    static JsonElement Plain(JsonElement message)
    {
        var json = new StringBuilder("{");
        foreach (var item in message.EnumerateObject().Where(item => item.Name is "role" or "content" or "tool_calls"))
            json.Append(json.Length > 1 ? "," : "").AppendJson(item.Name).Append(':').Append(item.Value.GetRawText());
        using var document = JsonDocument.Parse(json.Append('}').ToString());
        return document.RootElement.Clone();
    }
}
