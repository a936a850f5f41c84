// OLMo 2 (arXiv:2501.00656): Llama with the norms behind the blocks instead of before them, and a norm of all heads of q together, and of k, before they are rotated.
//   x += norm(attention(x))      x += norm(mlp(x))
//   model.layers.{i}.post_attention_layernorm.weight, post_feedforward_layernorm.weight [H]      self_attn.q_norm.weight [n d], k_norm.weight [m d]; no input_layernorm; all else as Llama
using Aerie.Targets.Blocks;

namespace Aerie.Targets.Families;

static class Olmo2
{
    internal static readonly TargetFamily Family = new("Olmo2ForCausalLM", "olmo2", Read, Build);

    static TargetConfig Read(ConfigFile json)
    {
        var biases = json.Flag("attention_bias", false);
        return TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 2048, Eps = 1e-5 }) with { AttentionBias = biases, OutputBias = biases };
    }

    static Network Build(TargetConfig c, WeightTable weights)
    {
        var rotary = c.Rope.CreateTable(c.HeadSize);
        return Llama.Frame(c, weights, i => new Layer(
            new SubLayer(null, Llama.Attention(c, weights, i, rotary, norms: (
                weights.Vector(Llama.Name(i, "self_attn.q_norm.weight"), c.Heads * c.HeadSize), weights.Vector(Llama.Name(i, "self_attn.k_norm.weight"), c.KeyValueHeads * c.HeadSize))),
                weights.Vector(Llama.Name(i, "post_attention_layernorm.weight"), c.HiddenSize)),
            new SubLayer(null, Llama.Mlp(c, weights, i), weights.Vector(Llama.Name(i, "post_feedforward_layernorm.weight"), c.HiddenSize)))) with
        { Rotary = [rotary] };
    }
}
