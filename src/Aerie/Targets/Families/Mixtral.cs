// Mixtral (arXiv:2401.04088): Mistral without a window unless one is given, and in place of the MLP eight experts, of which a token sees the two whose softmax is largest, weighed by it.
//   model.layers.{i}.block_sparse_moe.gate.weight [E, H]      .experts.{e}.w1, w3 [J, H] (gate, up), w2 [H, J] (down), or fused (ExpertTensors)      all else as Llama
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Mixtral
{
    // Files of transformers 5.x say mlp where all others say block_sparse_moe.
    internal static readonly TargetFamily Family = new("MixtralForCausalLM", "mixtral", Read, (c, weights) => Llama.Build(c, weights, i =>
        new Experts(c.Experts!, ExpertTensors.Gated(c, weights, Llama.Name(i, "block_sparse_moe."), "w1", "w3", "w2"), new Gate(GateKind.SwiGlu))))
    { Canonical = name => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) ? null : name.Replace(".mlp.", ".block_sparse_moe.", StringComparison.Ordinal) };

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 131072, Eps = 1e-5, Theta = 1e6 });
        return config with
        {
            Windows = json.Has("sliding_window") ? [.. Enumerable.Repeat(json.Whole("sliding_window", most: int.MaxValue), config.Layers)] : [],
            Experts = ExpertsConfig.Read(json, "num_local_experts", "intermediate_size", new RouteRule(false, true), 8, 2),
        };
    }
}
