// Post-processors of tokenizer.json: the tokens that are put around a text when special tokens are asked for. An unknown one is refused by name.
namespace Aerie.Text.Components;

/// <summary>What is put before and after the ids of one text.</summary>
sealed record PostProcessor(int[] Before, int[] After)
{
    internal static readonly PostProcessor None = new([], []);

    internal static PostProcessor Read(ComponentJson json) => json.Type switch
    {
        "ByteLevel" => None,                                   // changes offsets only
        "Sequence" => json.List("processors").Select(Read).Aggregate(None, (inner, outer) => new([.. outer.Before, .. inner.Before], [.. inner.After, .. outer.After])),
        "TemplateProcessing" => Template(json),
        "RobertaProcessing" or "BertProcessing" => new([Named(json, "cls")], [Named(json, "sep")]),
        _ => throw json.Unsupported("post-processor"),
    };

    static PostProcessor Template(ComponentJson json)
    {
        List<int> before = [], after = [];
        var seen = false;
        foreach (var part in json.List("single"))
        {
            if (part.Child("Sequence") is { } sequence)
            {
                if (seen || sequence.Text("id") != "A") throw part.Bad("more than one sequence in `single`");
                seen = true;
                continue;
            }
            var name = (part.Child("SpecialToken") ?? throw part.Bad("is neither a Sequence nor a SpecialToken")).Text("id");
            var token = json.Child("special_tokens")?.Child(name) ?? throw part.Bad($"special token '{name}' is not defined");
            (seen ? after : before).AddRange(token.Get("ids").EnumerateArray().Select(id => token.Id(id, "ids")));
        }
        return seen ? new([.. before], [.. after]) : throw json.Bad("no sequence in `single`");
    }

    // ["</s>", 2]
    static int Named(ComponentJson json, string name) =>
        json.Get(name) is { ValueKind: System.Text.Json.JsonValueKind.Array } pair && pair.GetArrayLength() == 2 ? json.Id(pair[1], name) : throw json.Bad($"'{name}' is not a token and its id");
}
