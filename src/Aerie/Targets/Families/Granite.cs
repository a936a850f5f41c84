// Granite 3 (Granite Team, IBM 2024, "Granite 3.0 Language Models"): Llama with four multipliers, after maximal update parametrisation (arXiv:2203.03466):
//   x = embedding_multiplier · embed[ids]      scores: attention_multiplier q·k in place of q·k / sqrt(d)      x += residual_multiplier · block(norm(x))      logits / logits_scaling
// Names as Llama.
using System.Diagnostics.CodeAnalysis;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Granite
{
    internal static readonly TargetFamily Family = new("GraniteForCausalLM", "granite", Read, Build);

    sealed record Config : TargetConfig
    {
        [SetsRequiredMembers]
        internal Config(TargetConfig common) : base(common) { }

        internal float Embedding { get; init; }
        internal float Attention { get; init; }
        internal float Residual { get; init; }
        internal float Logits { get; init; }
    }

    static Config Read(ConfigFile json)
    {
        float Multiplier(string key) => (float)json.Positive(key, 1);
        var biases = json.Flag("attention_bias", false);
        return new Config(TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 2048 }))
        {
            AttentionBias = biases, OutputBias = biases, MlpBias = json.Flag("mlp_bias", false),
            Embedding = Multiplier("embedding_multiplier"), Attention = Multiplier("attention_multiplier"), Residual = Multiplier("residual_multiplier"), Logits = Multiplier("logits_scaling"),
        };
    }

    static Network Build(TargetConfig common, WeightTable weights)
    {
        var c = (Config)common;
        var rotary = c.Rope.CreateTable(c.HeadSize);
        var heads = HeadLayout.Fused(c.Heads, c.KeyValueHeads, c.HeadSize) with { Scale = c.Attention };
        SubLayer Part(int i, string norm, IBlock block) => new(weights.Vector(Llama.Name(i, $"{norm}.weight"), c.HiddenSize), block, Multiplier: c.Residual);
        return Llama.Frame(c, weights, i => new Layer(
            Part(i, "input_layernorm", Llama.Attention(c, weights, i, rotary, form: heads)), Part(i, "post_attention_layernorm", Llama.Mlp(c, weights, i)))) with
        { Rotary = [rotary], EmbeddingMultiplier = c.Embedding, Logits = new LogitForm(c.Logits, 0) };
    }
}
