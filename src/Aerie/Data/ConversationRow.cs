// One row of training data: checked, and brought into one form (text contents, arguments of calls as JSON text), as NeMo AutoModel does it.
using System.Text;
using System.Text.Json;
using Aerie.Formats;
using Aerie.Text.Templates;

namespace Aerie.Data;

static class ConversationRow
{
    static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    static readonly Dictionary<string, string> ShareGptRoles = new()
    {
        ["system"] = "system", ["human"] = "user", ["user"] = "user", ["gpt"] = "assistant", ["assistant"] = "assistant", ["chatgpt"] = "assistant", ["model"] = "assistant", ["bot"] = "assistant",
    };

    internal static Conversation Read(JsonElement row, string where, bool needAnswers)
    {
        try
        {
            var conversation = Checked(row, where, prompts: !needAnswers);
            if (conversation.Messages.Count == 0) throw new AerieException($"{where}: has no messages");
            if (needAnswers && !conversation.HasAnswer) throw new AerieException($"{where}: has no assistant turn", "There is nothing to learn from it: let the target answer first (aerie regenerate), or leave it out.");
            return conversation;
        }
        catch (InvalidOperationException problem)              // half a surrogate pair in a text
        {
            throw new AerieException($"{where}: holds text that is not Unicode: {problem.Message}", null, problem);
        }
    }

    static Conversation Checked(JsonElement row, string where, bool prompts)
    {
        if (row.ValueKind != JsonValueKind.Object) throw new AerieException($"{where}: is not an object", "A row is {\"messages\": [...]}.");
        foreach (var name in new[] { "messages", "conversations" })
        {
            if (row.EnumerateObject().Count(p => p.NameEquals(name)) > 1) throw new AerieException($"{where}: has '{name}' twice");
        }
        var json = new StringBuilder("[");
        if (Find(row, "messages") is { } messages) Each(messages, "messages", where, json, Message);
        else if (Find(row, "conversations") is { } turns) Each(turns, "conversations", where, json, Turn);
        else if (prompts && Find(row, "prompt") is { ValueKind: JsonValueKind.String } prompt) Plain(json, "user", prompt.GetString()!).Append('}');
        else throw new AerieException($"{where}: has neither 'messages' nor 'conversations', only: {string.Join(", ", row.EnumerateObject().Select(p => p.Name).Take(20))}");
        using var document = JsonDocument.Parse(json.Append(']').ToString());
        var label = Find(row, "domain") ?? (prompts ? Find(row, "kind") : null);
        return new Conversation([.. document.RootElement.Clone().EnumerateArray()], Tools(row, where), label is { ValueKind: JsonValueKind.String } domain ? domain.GetString() : null, where);
    }

    static JsonElement? Find(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    static void Each(JsonElement list, string name, string where, StringBuilder json, Action<JsonElement, string, StringBuilder> write)
    {
        if (list.ValueKind != JsonValueKind.Array) throw new AerieException($"{where}: '{name}' is not a list");
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var here = $"{where}: {name}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw new AerieException($"{here}: is not an object");
            if (json.Length > 1) json.Append(',');
            write(item, here, json);
            json.Append('}');
        }
    }

    static StringBuilder Plain(StringBuilder json, string role, string content) => json.Append("{\"role\":").AppendJson(role).Append(",\"content\":").AppendJson(content);

    static void Message(JsonElement message, string where, StringBuilder json)
    {
        var role = Text(message, "role", where) ?? throw new AerieException($"{where}: has no role");
        if (!Roles.Contains(role)) throw new AerieException($"{where}: there is no role '{role}'", $"Roles are: {string.Join(", ", Roles)}.");
        var calls = Find(message, "tool_calls");
        Plain(json, role, Content(message, where, mayLack: calls is not null));
        if (Text(message, "reasoning_content", where) is { } reasoning) json.Append(",\"reasoning_content\":").AppendJson(reasoning);
        if (Text(message, "name", where) is { } name) json.Append(",\"name\":").AppendJson(name);
        if (calls is { } list) Calls(list, where, json);
        var id = Text(message, "tool_call_id", where);
        if (role == "tool" && string.IsNullOrEmpty(id)) throw new AerieException($"{where}: the answer of a tool has no 'tool_call_id'");
        if (id is not null) json.Append(",\"tool_call_id\":").AppendJson(id);
    }

    // ShareGPT; also role/content under that name. Other keys are dropped.
    static void Turn(JsonElement turn, string where, StringBuilder json)
    {
        var from = Text(turn, "from", where) ?? Text(turn, "role", where) ?? throw new AerieException($"{where}: has no 'from'");
        if (!ShareGptRoles.TryGetValue(from, out var role)) throw new AerieException($"{where}: there is no role '{from}'", $"Roles are: {string.Join(", ", ShareGptRoles.Keys)}.");
        Plain(json, role, Text(turn, "value", where) ?? Content(turn, where, mayLack: false));
    }

    static string? Text(JsonElement json, string name, string where) => Find(json, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        _ => throw new AerieException($"{where}: '{name}' is not a text"),
    };

    // A text, or parts whose texts are joined with a space. A null counts as empty, a missing one does not.
    static string Content(JsonElement message, string where, bool mayLack)
    {
        if (!message.TryGetProperty("content", out var content)) return mayLack ? "" : throw new AerieException($"{where}: has no content");
        switch (content.ValueKind)
        {
            case JsonValueKind.Null: return "";
            case JsonValueKind.String: return content.GetString()!;
            case JsonValueKind.Array:
                var texts = new List<string>();
                foreach (var part in content.EnumerateArray())
                {
                    if (part.ValueKind == JsonValueKind.String) texts.Add(part.GetString()!);
                    else if (part.ValueKind == JsonValueKind.Object && Text(part, "text", where) is { } text) texts.Add(text);
                    else throw new AerieException($"{where}: the content has a part that is no text", "Only text can be learnt from.");
                }
                return string.Join(' ', texts);
            default: throw new AerieException($"{where}: the content is neither text nor a list of texts");
        }
    }

    static void Calls(JsonElement calls, string where, StringBuilder json)
    {
        if (calls.ValueKind != JsonValueKind.Array) throw new AerieException($"{where}: 'tool_calls' is not a list");
        json.Append(",\"tool_calls\":[");
        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var here = $"{where}: tool_calls[{index}]";
            if (call.ValueKind != JsonValueKind.Object || Find(call, "function") is not { ValueKind: JsonValueKind.Object } function) throw new AerieException($"{here}: has no 'function'");
            if (Text(function, "name", here) is not { Length: > 0 } name) throw new AerieException($"{here}: the function has no name");
            var arguments = Find(function, "arguments") ?? throw new AerieException($"{here}: the function has no 'arguments'");
            var text = arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : Dumps.Dump(TemplateInput.Value(arguments));
            if (index++ > 0) json.Append(',');
            json.Append('{');
            if (Text(call, "id", here) is { } id) json.Append("\"id\":").AppendJson(id).Append(',');
            json.Append("\"type\":\"function\",\"function\":{\"name\":").AppendJson(name).Append(",\"arguments\":").AppendJson(text).Append("}}");
        }
        json.Append(']');
    }

    // Python's json.dumps.
    static readonly Printing.Json Dumps = new(EnsureAscii: true, Indent: null, ", ", ": ", SortKeys: false);

    static JsonElement? Tools(JsonElement row, string where)
    {
        if (Find(row, "tools") is not { } tools) return null;
        if (tools.ValueKind == JsonValueKind.String)
        {
            try
            {
                using var document = JsonDocument.Parse(tools.GetString()!);
                tools = document.RootElement.Clone();
            }
            catch (JsonException problem)
            {
                throw new AerieException($"{where}: 'tools' is text that is not JSON: {problem.Message}", null, problem);
            }
        }
        return tools.ValueKind == JsonValueKind.Array ? tools.Clone() : throw new AerieException($"{where}: 'tools' is not a list");
    }
}
