// Qwen2 (arXiv:2407.10671) and Qwen2.5 (arXiv:2412.15115): Llama with biases on q, k and v, never on o, and in some models a window in the upper layers.
//   model.layers.{i}.self_attn.{q,k,v}_proj.bias [n d | m d | m d]; all else as Llama
namespace Aerie.Targets.Families;

static class Qwen2
{
    internal static readonly TargetFamily Family = new("Qwen2ForCausalLM", "qwen2", Read, Llama.Build);

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults());
        return config with { AttentionBias = true, Windows = Windows(json, config.Layers) };
    }

    /// <summary>The window of each layer: in the layers of `layer_types`, else from `max_window_layers` on where `use_sliding_window`.</summary>
    internal static int[] Windows(ConfigFile json, int layers)
    {
        var types = json.Texts("layer_types");
        if (types.Length == 0 && json.Flag("use_sliding_window", false))
        {
            var first = json.Whole("max_window_layers", least: 0, most: 1 << 14, otherwise: 28);
            types = [.. Enumerable.Range(0, layers).Select(i => i >= first ? "sliding_attention" : "full_attention")];
        }
        return TargetConfig.WindowsOf(json, types, layers, 4096);
    }
}
