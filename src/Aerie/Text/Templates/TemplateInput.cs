// What templates are given, from JSON: numbers keep their kind, keys their order.
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Aerie.Text.Templates;

static class TemplateInput
{
    /// <summary>The names that models use for an answer's reasoning; the first that is there counts.</summary>
    internal static readonly string[] Reasoning = ["reasoning_content", "thinking", "reasoning"];

    internal static object Value(JsonElement json)
    {
        Of.Deep();
        switch (json.ValueKind)
        {
            case JsonValueKind.String: return json.GetString()!;
            case JsonValueKind.True: return true;
            case JsonValueKind.False: return false;
            case JsonValueKind.Number:
                var text = json.GetRawText();
                return text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0 ? double.Parse(text, CultureInfo.InvariantCulture) : BigInteger.Parse(text, CultureInfo.InvariantCulture);
            case JsonValueKind.Array: return new Items([.. json.EnumerateArray().Select(Value)]);
            case JsonValueKind.Object:
                var dict = new Dict();
                foreach (var item in json.EnumerateObject()) dict.Put(item.Name, Value(item.Value));
                return dict;
            default: return None.Value;
        }
    }

    /// <summary>A message as transformers 5 hands it on: without null fields, its reasoning under both usual names.</summary>
    internal static object Message(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) return Value(json);
        var dict = new Dict();
        foreach (var item in json.EnumerateObject().Where(item => item.Value.ValueKind != JsonValueKind.Null)) dict.Put(item.Name, Value(item.Value));
        var reasoning = Reasoning.Select(name => dict.Find(name)).FirstOrDefault(found => found is not null);
        if (reasoning is null) return dict;
        var message = new Dict();
        message.Put("thinking", reasoning);
        foreach (var (key, value) in dict.Values) message.Put(key, value);
        message.Put("reasoning_content", reasoning);
        return message;
    }
}
