// What the files beside tokenizer.json change, as transformers 5 has it for a tokenizer that is read from tokenizer.json.
//   the special tokens by name      their texts, for templates; those that the vocabulary has are control tokens, listed or not
//   added_tokens_decoder            wins over the flags in tokenizer.json, and adds what is not there
//   split_special_tokens            what is meant if the caller does not say
//   clean_up_tokenization_spaces    spaces before English punctuation go when text is decoded; not for BPE
//   add_bos_token, add_eos_token, add_prefix_space, legacy: nothing, tokenizer.json says it already
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Text;

/// <summary>The settings of <c>tokenizer_config.json</c> and <c>special_tokens_map.json</c>.</summary>
sealed class TokenizerConfig
{
    static readonly string[] Named = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    readonly Dictionary<string, string> specialTokens = [];
    readonly List<string> controls = [];
    readonly List<ComponentJson> addedTokens = [];

    TokenizerConfig() { }

    /// <summary>The texts of <c>bos_token</c>, <c>eos_token</c> ... by name.</summary>
    internal IReadOnlyDictionary<string, string> SpecialTokens => specialTokens;

    /// <summary>Texts that are control tokens if the vocabulary has them.</summary>
    internal IReadOnlyList<string> Controls => controls;

    /// <summary>Tokens in the form that they have in tokenizer.json, each with its id.</summary>
    internal IEnumerable<(int Id, ComponentJson Token)> AddedTokens => addedTokens.Select(token => (Id(token), token));

    internal bool SplitSpecialTokens { get; private set; }

    internal bool CleansUpSpaces { get; private set; }

    /// <summary>Reads the files of a folder, as far as they are there; <paramref name="use"/> is called while they are open.</summary>
    internal static T Read<T>(string folder, Func<TokenizerConfig, T> use)
    {
        var config = new TokenizerConfig();
        using var main = Open("tokenizer_config.json");
        using var map = Open("special_tokens_map.json");
        if (main is not null) config.Read(new ComponentJson(main.RootElement, Path.Combine(folder, "tokenizer_config.json")));
        if (map is not null) config.ReadNames(new ComponentJson(map.RootElement, Path.Combine(folder, "special_tokens_map.json")));
        return use(config);

        JsonDocument? Open(string name) => File.Exists(Path.Combine(folder, name)) ? JsonFile.Read(Path.Combine(folder, name), Tokenizer.LargestFile) : null;
    }

    void Read(ComponentJson json)
    {
        ReadNames(json);
        SplitSpecialTokens = json.Flag("split_special_tokens", false);
        CleansUpSpaces = json.Flag("clean_up_tokenization_spaces", false);
        foreach (var name in new[] { "additional_special_tokens", "extra_special_tokens" }) ReadMore(json, name);
        if (json.Child("added_tokens_decoder") is not { } tokens) return;
        if (tokens.Json.ValueKind != JsonValueKind.Object) throw tokens.Bad("is not an object");
        foreach (var item in tokens.Json.EnumerateObject()) addedTokens.Add(new ComponentJson(item.Value, $"{tokens.Path}.{item.Name}"));
    }

    // The path ends with the id.
    static int Id(ComponentJson token) => int.TryParse(token.Path.AsSpan(token.Path.LastIndexOf('.') + 1), out var id) && id >= 0 ? id : throw token.Bad("is not an id");

    void ReadNames(ComponentJson json)
    {
        if (json.Json.ValueKind != JsonValueKind.Object) throw json.Bad("is not an object");
        foreach (var item in json.Json.EnumerateObject().Where(p => p.Name.EndsWith("_token", StringComparison.Ordinal)))
        {
            if (Content(item.Value) is { } content && specialTokens.TryAdd(item.Name, content) && Named.Contains(item.Name)) controls.Add(content);
        }
    }

    // A list, or an object of names and tokens.
    void ReadMore(ComponentJson json, string name)
    {
        if (json.Find(name) is not { } more) return;
        if (more.ValueKind == JsonValueKind.Array) controls.AddRange(more.EnumerateArray().Select(Content).OfType<string>());
        if (more.ValueKind != JsonValueKind.Object) return;
        foreach (var item in more.EnumerateObject())
        {
            if (Content(item.Value) is not { } content) continue;
            specialTokens.TryAdd(item.Name, content);
            controls.Add(content);
        }
    }

    // A text, or an object with the text and its flags.
    static string? Content(JsonElement token) =>
        token.ValueKind == JsonValueKind.String ? token.GetString() : token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? content.GetString() : null;

    /// <summary>What transformers does to decoded text if it is asked to: spaces before punctuation and contractions go.</summary>
    internal static string CleanUp(string text)
    {
        foreach (var (from, to) in (ReadOnlySpan<(string, string)>)[(" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re")])
            text = text.Replace(from, to, StringComparison.Ordinal);
        return text;
    }
}
