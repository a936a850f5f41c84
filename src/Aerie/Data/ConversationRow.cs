// One row of training data: checked, and brought into one form with text contents. The rules of loss masks differ in how:
//   aerie        every field that servers pass to the template; arguments of calls as objects, as servers hand them on
//   automodel    ShareGPT rows lose all but role and text; arguments of calls become JSON text (Python's json.dumps)
//   specforge    roles other than human and gpt stay as they are; arguments that are text are parsed
//   speculators  unknown roles are the assistant; arguments stay as they are
using System.Text;
using System.Text.Json;
using Aerie.Formats;
using Aerie.Text.Templates;

namespace Aerie.Data;

sealed class ConversationRow(string source, LossMaskRule rule, bool prompts)
{
    static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    static readonly Dictionary<string, string> ShareGptRoles = new()
    {
        ["system"] = "system", ["human"] = "user", ["user"] = "user", ["gpt"] = "assistant", ["assistant"] = "assistant", ["chatgpt"] = "assistant", ["model"] = "assistant", ["bot"] = "assistant",
    };

    internal static Conversation Read(JsonElement row, string where, bool needAnswers, LossMaskRule rule = LossMaskRule.Aerie)
    {
        try
        {
            var conversation = new ConversationRow(where, rule, prompts: !needAnswers).Checked(row);
            if (conversation is { Messages.Count: 0, Text: null, Tokens: null }) throw new AerieException($"{where}: has no messages");
            if (needAnswers && !conversation.HasAnswer && !LossMask.Forgiving(rule)) throw new AerieException($"{where}: has no assistant turn", "There is nothing to learn from it: let the target answer first (aerie regenerate), or leave it out.");
            return conversation;
        }
        catch (InvalidOperationException problem)              // half a surrogate pair in a text
        {
            throw new AerieException($"{where}: holds text that is not Unicode: {problem.Message}", null, problem);
        }
    }

    bool Strict => rule is LossMaskRule.Automodel or LossMaskRule.GenerationTags;

    Conversation Checked(JsonElement row)
    {
        if (row.ValueKind != JsonValueKind.Object) throw new AerieException($"{source}: is not an object", "A row is {\"messages\": [...]}.");
        foreach (var name in new[] { "messages", "conversations" })
        {
            if (row.EnumerateObject().Count(p => p.NameEquals(name)) > 1) throw new AerieException($"{source}: has '{name}' twice");
        }
        var label = Find(row, "domain") ?? (prompts ? Find(row, "kind") : null);
        var empty = new Conversation([], null, label is { ValueKind: JsonValueKind.String } domain ? domain.GetString() : null, source);
        var json = new StringBuilder("[");
        if (Find(row, "messages") is { } messages) Each(messages, "messages", json, Message);
        else if (Find(row, "conversations") is { } turns) Each(turns, "conversations", json, Turn);
        else if (Find(row, "prompt") is { } prompt && (prompts || Find(row, "completion") is not null)) Pair(prompt, Find(row, "completion"), json);
        else if (!prompts && Find(row, "input_ids") is { } ids) return empty with { Tokens = Tokens(ids, Find(row, "loss_mask"), empty.Domain) };
        else if (rule == LossMaskRule.SpecForge && Find(row, "text") is { ValueKind: JsonValueKind.String } text) return empty with { Text = text.GetString() };
        else
            throw new AerieException($"{source}: has neither 'messages' nor 'conversations', only: {string.Join(", ", row.EnumerateObject().Select(p => p.Name).Take(20))}",
                row.TryGetProperty("text", out _) ? "Text that a template has written already is read under mask_semantics: specforge only." : "A row is {\"messages\": [...]}.");
        using var document = JsonDocument.Parse(json.Append(']').ToString());
        return empty with { Messages = [.. document.RootElement.Clone().EnumerateArray()], Tools = Tools(row), Unfinished = Find(row, "finish_reason") is { ValueKind: JsonValueKind.String } end && end.ValueEquals("length") };
    }

    static JsonElement? Find(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    void Each(JsonElement list, string name, StringBuilder json, Action<JsonElement, string, StringBuilder> write)
    {
        if (list.ValueKind != JsonValueKind.Array) throw new AerieException($"{source}: '{name}' is not a list");
        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            var here = $"{source}: {name}[{index++}]";
            if (item.ValueKind != JsonValueKind.Object) throw new AerieException($"{here}: is not an object");
            if (json.Length > 1) json.Append(',');
            write(item, here, json);
            json.Append('}');
        }
    }

    // TRL's pairs: each side is a text or a list of messages.
    void Pair(JsonElement prompt, JsonElement? completion, StringBuilder json)
    {
        foreach (var (side, name, role) in ((JsonElement?, string, string)[])[(prompt, "prompt", "user"), (completion, "completion", "assistant")])
        {
            if (side is { ValueKind: JsonValueKind.String } text) Plain(json.Length > 1 ? json.Append(',') : json, role, text.GetString()!).Append('}');
            else if (side is { } list) Each(list, name, json, Message);
        }
    }

    static StringBuilder Plain(StringBuilder json, string role, string content) => json.Append("{\"role\":").AppendJson(role).Append(",\"content\":").AppendJson(content);

    void Message(JsonElement message, string where, StringBuilder json)
    {
        var role = Text(message, "role", where) ?? throw new AerieException($"{where}: has no role");
        if (Find(message, "function_call") is not null) throw new AerieException($"{where}: 'function_call' is the old form of a call", "Write it as tool_calls: [{\"type\": \"function\", \"function\": {\"name\": ..., \"arguments\": ...}}].");
        if (!Roles.Contains(role)) role = Lenient(role) ?? throw new AerieException($"{where}: there is no role '{role}'", $"Roles are: {string.Join(", ", Roles)}.");
        var calls = Find(message, "tool_calls");
        Plain(json, role, Content(message, where, mayLack: calls is not null));
        Extras(message, calls, where, json);
        if (role == "tool" && string.IsNullOrEmpty(Text(message, "tool_call_id", where))) throw new AerieException($"{where}: the answer of a tool has no 'tool_call_id'");
    }

    // ShareGPT; also role/content under that name.
    void Turn(JsonElement turn, string where, StringBuilder json)
    {
        var from = Text(turn, "from", where) ?? Text(turn, "role", where) ?? throw new AerieException($"{where}: has no 'from'");
        var role = rule == LossMaskRule.Aerie && from == "tool" ? "tool" : Lenient(from);
        if (role is null && !ShareGptRoles.TryGetValue(from, out role)) throw new AerieException($"{where}: there is no role '{from}'", $"Roles are: {string.Join(", ", ShareGptRoles.Keys)}.");
        var calls = Strict ? null : Find(turn, "tool_calls");
        Plain(json, role, Text(turn, "value", where) ?? Content(turn, where, mayLack: calls is not null));
        if (!Strict) Extras(turn, calls, where, json);
    }

    // The roles of those who do not check them.
    string? Lenient(string role) => (rule, role) switch
    {
        (LossMaskRule.SpecForge or LossMaskRule.Speculators, "human") => "user",
        (LossMaskRule.SpecForge, "gpt") => "assistant",
        (LossMaskRule.SpecForge, _) => role,
        (LossMaskRule.Speculators, _) => Roles.Contains(role) ? role : "assistant",
        _ => null,
    };

    void Extras(JsonElement message, JsonElement? calls, string where, StringBuilder json)
    {
        var reasoning = Strict ? Text(message, "reasoning_content", where) : TemplateInput.Reasoning.Select(name => Text(message, name, where)).FirstOrDefault(text => text is not null);
        if (reasoning is not null) json.Append(",\"reasoning_content\":").AppendJson(reasoning);
        if (Text(message, "name", where) is { } name) json.Append(",\"name\":").AppendJson(name);
        if (calls is { } list && (Strict || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > 0)) Calls(list, where, json);
        if (Text(message, "tool_call_id", where) is { } id && (Strict || id.Length > 0)) json.Append(",\"tool_call_id\":").AppendJson(id);
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

    void Calls(JsonElement calls, string where, StringBuilder json)
    {
        if (calls.ValueKind == JsonValueKind.String && !Strict) calls = Parsed(calls.GetString()!, where, "tool_calls");
        if (calls.ValueKind != JsonValueKind.Array) throw new AerieException($"{where}: 'tool_calls' is not a list");
        json.Append(",\"tool_calls\":[");
        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var here = $"{where}: tool_calls[{index}]";
            if (call.ValueKind != JsonValueKind.Object || Find(call, "function") is not { ValueKind: JsonValueKind.Object } function) throw new AerieException($"{here}: has no 'function'");
            if (Text(function, "name", here) is not { Length: > 0 } name) throw new AerieException($"{here}: the function has no name");
            var arguments = Find(function, "arguments") ?? throw new AerieException($"{here}: the function has no 'arguments'");
            if (index++ > 0) json.Append(',');
            json.Append('{');
            if (Text(call, "id", here) is { } id) json.Append("\"id\":").AppendJson(id).Append(',');
            json.Append("\"type\":\"function\",\"function\":{\"name\":").AppendJson(name).Append(",\"arguments\":");
            Arguments(arguments, json);
            json.Append("}}");
        }
        json.Append(']');
    }

    void Arguments(JsonElement arguments, StringBuilder json)
    {
        var isText = arguments.ValueKind == JsonValueKind.String;
        if (Strict) json.AppendJson(isText ? arguments.GetString()! : Dumps.Dump(TemplateInput.Value(arguments)));
        else if (isText && rule != LossMaskRule.Speculators && Json(arguments.GetString()!) is { } parsed && (rule == LossMaskRule.SpecForge || parsed.ValueKind == JsonValueKind.Object)) json.Append(parsed.GetRawText());
        else if (isText) json.AppendJson(arguments.GetString()!);
        else json.Append(arguments.GetRawText());
    }

    // Python's json.dumps.
    static readonly Printing.Json Dumps = new(EnsureAscii: true, Indent: null, ", ", ": ", SortKeys: false);

    static JsonElement? Json(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    JsonElement? Tools(JsonElement row)
    {
        if (Find(row, "tools") is not { } tools) return null;
        if (tools.ValueKind == JsonValueKind.String) tools = Parsed(tools.GetString()!, source, "tools");
        return tools.ValueKind == JsonValueKind.Array ? tools.Clone() : throw new AerieException($"{source}: 'tools' is not a list");
    }

    static JsonElement Parsed(string text, string where, string name) => Json(text) ?? throw new AerieException($"{where}: '{name}' is text that is not JSON");

    TokenizedConversation Tokens(JsonElement ids, JsonElement? mask, string? domain)
    {
        var tokens = Numbers(ids, "input_ids");
        var supervised = Numbers(mask ?? throw new AerieException($"{source}: has 'input_ids' without a 'loss_mask'"), "loss_mask");
        if (tokens.Length == 0) throw new AerieException($"{source}: 'input_ids' is empty");
        if (tokens.Length != supervised.Length) throw new AerieException($"{source}: {tokens.Length} input_ids, but a loss_mask of {supervised.Length}");
        if (supervised.Any(m => m is not (0 or 1))) throw new AerieException($"{source}: 'loss_mask' has a value that is neither 0 nor 1");
        return new(tokens, [.. supervised.Select(m => m == 1)], domain);
    }

    int[] Numbers(JsonElement list, string name) => list.ValueKind == JsonValueKind.Array
        ? [.. list.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out var id) && id >= 0 ? id : v.ValueKind is JsonValueKind.True ? 1 : v.ValueKind is JsonValueKind.False ? 0 : throw new AerieException($"{source}: '{name}' is not a list of whole numbers from 0"))]
        : throw new AerieException($"{source}: '{name}' is not a list");
}
