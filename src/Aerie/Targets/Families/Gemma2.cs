// Gemma 2 (arXiv:2408.00118): Llama with norms before and behind every block, each multiplying by 1 + w; embeddings times sqrt(H); gelu in the MLP; scores scaled by query_pre_attn_scalar^-1/2
// and capped, logits capped (c tanh(z / c)); every second layer, from layer 0 on, sees a window. The head is the embedding.
//   x += norm(attention(norm(x)))      x += norm(mlp(norm(x)))
//   model.layers.{i}.input_layernorm.weight, post_attention_layernorm.weight, pre_feedforward_layernorm.weight, post_feedforward_layernorm.weight [H]; all else as Llama
using System.Diagnostics.CodeAnalysis;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Gemma2
{
    internal static readonly TargetFamily Family = new("Gemma2ForCausalLM", "gemma2", Read, Build);

    /// <summary>What Gemma 2 and Gemma 3 have beside the common facts.</summary>
    internal sealed record Config : TargetConfig
    {
        [SetsRequiredMembers]
        internal Config(TargetConfig common) : base(common) { }

        internal float Scale { get; init; }
        internal float ScoreCap { get; init; }
        internal float LogitCap { get; init; }

        /// <summary>How layers with a window rotate, where that is another way; null: as all.</summary>
        internal RopeConfig? WindowedRope { get; init; }
    }

    static Config Read(ConfigFile json)
    {
        var c = Common(json, Family, new TargetDefaults { MaxPositions = 8192 }, i => i % 2 == 1, 30);
        return c with { ScoreCap = Cap(json, "attn_logit_softcapping", 50) };
    }

    /// <summary>What Gemma 2 and Gemma 3 read alike.</summary>
    /// <param name="json">The config.</param>
    /// <param name="family">Whose it is.</param>
    /// <param name="defaults">What is assumed, beyond what is common to both.</param>
    /// <param name="full">Which layers see all keys, where `layer_types` does not say.</param>
    /// <param name="logitCap">The cap of logits where none is given; 0: none.</param>
    internal static Config Common(ConfigFile json, TargetFamily family, TargetDefaults defaults, Func<int, bool> full, double logitCap)
    {
        if (json.Flag("use_bidirectional_attention", false)) throw json.Bad("use_bidirectional_attention", "is true: that is no language model");
        var c = TargetConfig.Read(json, family, defaults with { HeadSize = 256, Tied = true, ActivationKey = "hidden_activation", Activations = ["gelu_pytorch_tanh"] });
        var types = json.Texts("layer_types");
        if (types.Length == 0) types = [.. Enumerable.Range(0, c.Layers).Select(i => full(i) ? "full_attention" : "sliding_attention")];
        var biases = json.Flag("attention_bias", false);
        return new Config(c)
        {
            AttentionBias = biases, OutputBias = biases, Windows = TargetConfig.WindowsOf(json, types, c.Layers, 4096),
            Scale = (float)(1 / Math.Sqrt(json.Positive("query_pre_attn_scalar", 256))), LogitCap = Cap(json, "final_logit_softcapping", logitCap),
        };
    }

    static float Cap(ConfigFile json, string key, double otherwise) => json.IsNull(key) ? 0 : (float)json.Positive(key, otherwise);

    internal static Network Build(TargetConfig common, WeightTable weights)
    {
        var c = (Config)common;
        var rotary = c.Rope.CreateTable(c.HeadSize);
        var windowed = c.WindowedRope?.CreateTable(c.HeadSize) ?? rotary;
        var heads = HeadLayout.Fused(c.Heads, c.KeyValueHeads, c.HeadSize) with { Scale = c.Scale, SoftCap = c.ScoreCap };
        Parameter Norm(int i, string name, int size) => weights.Vector(Llama.Name(i, $"{name}.weight"), size, plus: 1);
        SubLayer Part(int i, string before, IBlock block, string after) => new(Norm(i, before, c.HiddenSize), block, Norm(i, after, c.HiddenSize));
        var frame = Llama.Frame(c, weights, i => new Layer(
            Part(i, "input_layernorm", Llama.Attention(c, weights, i, c.WindowOf(i) > 0 ? windowed : rotary,
                norms: c.QueryKeyNorm ? (Norm(i, "self_attn.q_norm", c.HeadSize), Norm(i, "self_attn.k_norm", c.HeadSize)) : null, form: heads), "post_attention_layernorm"),
            Part(i, "pre_feedforward_layernorm", Llama.Mlp(c, weights, i, new Gate(GateKind.GeluTanh)), "post_feedforward_layernorm")), plus: 1);
        // The factor is a number of the model's own type: sqrt(3584) = 59.87 is 59.75 in a bf16 checkpoint.
        var root = MathF.Sqrt(c.HiddenSize);
        return frame with
        {
            Rotary = windowed == rotary ? [rotary] : [rotary, windowed],
            EmbeddingMultiplier = weights.Precision == Precision.BF16 ? BFloat16.ToFloat(BFloat16.FromFloat(root)) : root,
            Logits = new LogitForm(1, c.LogitCap),
        };
    }
}
