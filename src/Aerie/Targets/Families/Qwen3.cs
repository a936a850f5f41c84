// Qwen3 (arXiv:2505.09388): Llama with a norm of every head of q and of k before they are rotated; heads of 128 unless said; windows as Qwen2.
//   model.layers.{i}.self_attn.{q,k}_norm.weight [d]; all else as Llama
namespace Aerie.Targets.Families;

static class Qwen3
{
    internal static readonly TargetFamily Family = new("Qwen3ForCausalLM", "qwen3", Read, Llama.Build);

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults { HeadSize = 128 });
        var biases = json.Flag("attention_bias", false);
        return config with { AttentionBias = biases, OutputBias = biases, QueryKeyNorm = true, Windows = Qwen2.Windows(json, config.Layers) };
    }
}
