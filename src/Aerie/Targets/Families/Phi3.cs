// Phi-3 and Phi-4-mini (arXiv:2404.14219, arXiv:2503.01743): Llama whose q, k, v and whose gate, up are one matrix each on disk, which may rotate only the first dimensions of each head
// (partial_rotary_factor), whose long variants turn by two sets of factors (longrope, arXiv:2402.13753), and whose layers all see a window where there is one.
//   model.layers.{i}.self_attn.qkv_proj.weight [(n + 2m) d, H]: rows of q, of k, of v      model.layers.{i}.mlp.gate_up_proj.weight [2I, H]: rows of gate, of up; all else as Llama
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Phi3
{
    internal static readonly TargetFamily Family = new("Phi3ForCausalLM", "phi3", Read, Build);

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 4096, Eps = 1e-5, Rope = Rope });
        return json.Has("sliding_window") ? config with { Windows = [.. Enumerable.Repeat(json.Whole("sliding_window", most: int.MaxValue), config.Layers)] } : config;
    }

    // The types `su` and `yarn` of old configs mean longrope. The context before stretching stands outside of the parameters.
    static RopeConfig Rope(ConfigFile json, int positions)
    {
        var rope = json.Object("rope_parameters") ?? json.Object("rope_scaling");
        if (rope is null || RopeConfig.KindOf(rope) is not ("longrope" or "su" or "yarn")) return RopeConfig.Of(rope, json, positions, 1e4, partial: true);
        var original = json.Whole("original_max_position_embeddings", least: 2, most: 1 << 30, otherwise: 4096);
        var factor = rope.Positive("factor", (double)positions / original);
        return new RopeConfig("longrope", rope.Positive("rope_theta", json.Positive("rope_theta", 1e4)), factor, original)
        {
            PartialFactor = RopeConfig.Part(rope, json, true),
            ShortFactors = rope.Positives("short_factor"),
            LongFactors = rope.Positives("long_factor"),
            AttentionScale = rope.Positive("attention_factor", RotaryTable.LongRopeScale(factor, original)),
        };
    }

    static Network Build(TargetConfig c, WeightTable weights)
    {
        var rotary = c.Rope.CreateTable(c.HeadSize);
        var heads = HeadLayout.Fused(c.Heads, c.KeyValueHeads, c.HeadSize);
        Parameter Product(int i, string name, int rows, int cols) => weights.Product(cols, (Llama.Name(i, name), rows));
        Parameter Norm(int i, string name) => weights.Vector(Llama.Name(i, name), c.HiddenSize);
        return Llama.Frame(c, weights, i => new Layer(
            new SubLayer(Norm(i, "input_layernorm.weight"), new SelfAttention(heads, new AttentionWeights(
                Product(i, "self_attn.qkv_proj", heads.FusedWidth, c.HiddenSize), null,
                Product(i, "self_attn.o_proj", c.HiddenSize, c.Heads * c.HeadSize), null), rotary, c.RmsNormEps, c.WindowOf(i))),
            new SubLayer(Norm(i, "post_attention_layernorm.weight"), new GatedMlp(
                Product(i, "mlp.gate_up_proj", 2 * c.IntermediateSize, c.HiddenSize), null, Product(i, "mlp.down_proj", c.HiddenSize, c.IntermediateSize), null)))) with
        { Rotary = [rotary] };
    }
}
