// Qwen3-MoE (arXiv:2505.09388): Qwen3 with experts in the place of the MLP of layer i where i is not in `mlp_only_layers` and `decoder_sparse_step` divides i + 1; factors are a softmax over all
// experts, divided by the sum over the chosen ones if `norm_topk_prob`. A window counts for every layer, if `use_sliding_window`.
//   model.layers.{i}.mlp.gate.weight [E, H]      .mlp.experts.{e}.{gate,up}_proj.weight [J, H], down_proj [H, J], or fused (ExpertTensors)      all else as Qwen3
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Qwen3Moe
{
    internal static readonly TargetFamily Family = new("Qwen3MoeForCausalLM", "qwen3_moe", Read, Build);

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults());
        var biases = json.Flag("attention_bias", false);
        var key = json.Has("num_experts") ? "num_experts" : "num_local_experts";      // 4.x; 5.x
        var step = json.Whole("decoder_sparse_step", otherwise: 1);
        HashSet<int> dense = [.. json.Ids("mlp_only_layers") ?? []];
        if (dense.FirstOrDefault(i => i >= config.Layers) is > 0 and var beyond) throw json.Bad("mlp_only_layers", $"names layer {beyond} of {config.Layers}");
        return config with
        {
            AttentionBias = biases,
            OutputBias = biases,
            QueryKeyNorm = true,
            Windows = json.Flag("use_sliding_window", false) ? [.. Enumerable.Repeat(json.Whole("sliding_window", most: int.MaxValue, otherwise: 4096), config.Layers)] : [],
            Experts = json.Has(key) && json.Whole(key, least: 0) == 0 ? null
                : ExpertsConfig.Read(json, key, "moe_intermediate_size", new RouteRule(false, json.Flag("norm_topk_prob", false)), 128, 8, 768),
            DenseLayers = [.. Enumerable.Range(0, config.Layers).Where(i => (i + 1) % step != 0 || dense.Contains(i))],
        };
    }

    static Network Build(TargetConfig c, WeightTable weights) => Llama.Build(c, weights, i => c.Experts is { } experts && !c.DenseLayers.Contains(i)
        ? new Experts(experts, ExpertTensors.Gated(c, weights, Llama.Name(i, "mlp.")), new Gate(GateKind.SwiGlu)) : Llama.Mlp(c, weights, i));
}
