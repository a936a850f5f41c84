// The same config in the spelling of transformers 5.x, from that of 4.x (sections 1 to 6 of golden/models/README.md).
using System.Text.Json.Nodes;

namespace Aerie.Tests.Targets.Plain;

static class PlainSpelling
{
    static readonly Dictionary<string, string> Aliases = new()
    {
        ["mamba_n_groups"] = "n_groups", ["mamba_d_conv"] = "conv_kernel", ["mamba_expand"] = "expand", ["mamba_dt_min"] = "time_step_min", ["mamba_dt_max"] = "time_step_max",
        ["mamba_dt_limit"] = "time_step_limit", ["mamba_dt_init_floor"] = "time_step_floor", ["mamba_conv_bias"] = "use_conv_bias", ["mamba_chunk_size"] = "chunk_size",
    };

    internal static JsonObject Modern(JsonObject legacy)
    {
        var (old, json) = (new PlainConfig(legacy), legacy.DeepClone().AsObject());
        JsonNode? Take(string key)
        {
            json.Remove(key, out var value);
            return value;
        }
        void Move(string from, string to)
        {
            if (json.Remove(from, out var value)) json[to] = value;
        }
        if (old.Type == "nemotron_h")
        {
            json["layers_block_type"] = new JsonArray([.. old.Blocks.Select(b => (JsonNode)(b switch { 'M' => "linear_attention", 'E' => "moe", '*' => "full_attention", _ => "mlp" }))]);
            Take("hybrid_override_pattern");
            Take("num_hidden_layers");
            foreach (var (alias, name) in Aliases) Move(alias, name);
            json["time_step_limit"] = JsonNode.Parse("""[0.0, {"__float__": "Infinity"}]""");
            return json;
        }

        if (json["rope_parameters"] is not null) return json;
        Take("rope_parameters");
        var (theta, partial, scaling) = (Take("rope_theta"), Take("partial_rotary_factor"), Take("rope_scaling") as JsonObject);
        var rope = scaling?.DeepClone().AsObject() ?? new JsonObject { ["rope_type"] = "default" };
        if (rope.Remove("type", out var type)) rope.TryAdd("rope_type", type);
        if (theta is not null) rope["rope_theta"] = theta;
        if (partial is not null) rope["partial_rotary_factor"] = partial;
        if (old.Type == "phi3")
        {
            if (scaling is not null) rope["rope_type"] = "longrope";
            if (json["original_max_position_embeddings"] is { } original) rope["original_max_position_embeddings"] = original.DeepClone();
        }
        if (old.Type == "gemma3_text")
        {
            var sliding = new JsonObject { ["rope_type"] = "default" };
            if (Take("rope_local_base_freq") is { } local) sliding["rope_theta"] = local;
            json["rope_parameters"] = new JsonObject { ["full_attention"] = rope, ["sliding_attention"] = sliding };
        }
        else if (old.Type != "gpt_oss" || scaling is not null) json["rope_parameters"] = rope;

        if (old.Type is "qwen2" or "qwen3" or "gemma2" or "gemma3_text" or "gpt_oss")
            json["layer_types"] = new JsonArray([.. Enumerable.Range(0, old.Layers).Select(i => (JsonNode)(old.Window(i) < int.MaxValue ? "sliding_attention" : "full_attention"))]);
        if (old.Type is "qwen2" or "qwen3" && !old.Flag("use_sliding_window")) json["sliding_window"] = null;
        Move("sliding_window_pattern", "_sliding_window_pattern");
        if (old.Type == "qwen3_moe") Move("num_experts", "num_local_experts");
        if (old.Type == "llama") (json["head_dim"], json["num_key_value_heads"]) = (old.HeadSize, old.KeyHeads);
        return json;
    }
}
