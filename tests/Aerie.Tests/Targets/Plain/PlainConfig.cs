// A config.json as the table of golden/models/README.md reads it, in both spellings: the keys by name, with the defaults said there. Nothing of src/ is used: a mistake there must show here.
using System.Text.Json.Nodes;

namespace Aerie.Tests.Targets.Plain;

sealed class PlainConfig(JsonObject json)
{
    internal JsonObject Json => json;

    internal string Type { get; } = json["model_type"]!.GetValue<string>();

    internal bool Has(string key) => json.ContainsKey(key);

    internal int Int(string key, int? otherwise = null) => json[key]?.GetValue<int>() ?? otherwise ?? throw new KeyNotFoundException(key);

    internal double Number(string key, double otherwise) => Number(json, key) ?? otherwise;

    internal bool Flag(string key, bool otherwise = false) => json[key]?.GetValue<bool>() ?? otherwise;

    internal string[]? Words(string key) => json[key]?.AsArray().Select(word => word!.GetValue<string>()).ToArray();

    internal static double? Number(JsonObject from, string key) => from[key] is JsonValue value ? double.Parse(value.ToJsonString(), System.Globalization.CultureInfo.InvariantCulture) : null;

    internal int Hidden => Int("hidden_size");

    internal int Vocabulary => Int("vocab_size");

    internal int Heads => Int("num_attention_heads");

    internal int KeyHeads => Int("num_key_value_heads", Heads);

    internal bool Gemma => Type is "gemma2" or "gemma3_text";

    internal int HeadSize => Int("head_dim", Type switch { "qwen3" or "nemotron_h" => 128, "gemma2" or "gemma3_text" => 256, "gpt_oss" => 64, _ => Hidden / Heads });

    internal double Eps => Type == "nemotron_h" ? Number("layer_norm_epsilon", 1e-5) : Number("rms_norm_eps", Type is "mixtral" or "phi3" or "olmo2" or "gpt_oss" ? 1e-5 : 1e-6);

    internal bool Tied => Type != "nemotron_h" && Flag("tie_word_embeddings", Gemma);

    internal int Layers => Type == "nemotron_h" ? Blocks.Length : Int("num_hidden_layers");

    /// <summary>What NemotronH is made of, as letters.</summary>
    internal string Blocks => Words("layers_block_type") is { } words
        ? string.Concat(words.Select(w => w switch { "linear_attention" or "mamba" => 'M', "moe" => 'E', "full_attention" or "attention" => '*', "mlp" => '-', _ => throw new ArgumentException(w) }))
        : json["hybrid_override_pattern"]!.GetValue<string>();

    internal bool Slides(int layer) => Words("layer_types") is { } types ? types[layer] == "sliding_attention" : Type switch
    {
        "gemma2" or "gpt_oss" => layer % 2 == 0,
        "gemma3_text" => (layer + 1) % Int("sliding_window_pattern", 6) != 0,
        _ => Flag("use_sliding_window") && layer >= Int("max_window_layers", 28),
    };

    /// <summary>Keys that a token sees, itself included.</summary>
    internal int Window(int layer) => Type switch
    {
        "qwen2" or "qwen3" => Slides(layer) && (!Has("sliding_window") || json["sliding_window"] is not null) ? Int("sliding_window", 4096) : int.MaxValue,
        "gemma2" or "gemma3_text" => Slides(layer) ? Int("sliding_window", 4096) : int.MaxValue,
        "gpt_oss" => Slides(layer) ? Int("sliding_window", 128) : int.MaxValue,
        "mistral" => Has("sliding_window") ? Int("sliding_window", int.MaxValue) : 4096,
        "mixtral" or "phi3" => Int("sliding_window", int.MaxValue),
        "qwen3_moe" => Flag("use_sliding_window") ? Int("sliding_window", int.MaxValue) : int.MaxValue,
        _ => int.MaxValue,
    };
}
