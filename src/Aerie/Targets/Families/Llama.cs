// Llama (Touvron et al. 2023, arXiv:2302.13971, arXiv:2307.09288; Llama 3: arXiv:2407.21783), the form that most families keep. n heads, m key heads of size d, I intermediate:
//   x += o( attention( rope(q), rope(k), v ) )   with [q | k | v] = qkv( norm(x) )          x += down( silu(gate) · up )   with [gate | up] = gateUp( norm(x) )
//   model.embed_tokens.weight [V, H]      model.norm.weight [H]      lm_head.weight [V, H] (absent if tied)      model.layers.{i}. and
//   input_layernorm.weight, post_attention_layernorm.weight [H]      self_attn.{q,k,v}_proj [n d | m d | m d, H]      self_attn.o_proj [H, n d]
//   mlp.{gate,up}_proj [I, H]      mlp.down_proj [H, I]              .bias beside .weight: attention_bias (q, k, v, o), mlp_bias (gate, up, down)
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class Llama
{
    internal static readonly TargetFamily Family = new("LlamaForCausalLM", "llama", Read, Build);

    static TargetConfig Read(ConfigFile json)
    {
        var biases = json.Flag("attention_bias", false);
        return TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 2048, HeadsDivideHidden = true })
            with
        { AttentionBias = biases, OutputBias = biases, MlpBias = json.Flag("mlp_bias", false) };
    }

    internal static Network Build(TargetConfig c, WeightTable weights) => Build(c, weights, i => Mlp(c, weights, i));

    /// <summary>Layers of attention and of whatever stands in the place of the MLP.</summary>
    internal static Network Build(TargetConfig c, WeightTable weights, Func<int, IBlock> mlp)
    {
        var rotary = c.Rope.CreateTable(c.HeadSize);
        return Frame(c, weights, i => new Layer(
            new SubLayer(weights.Vector(Name(i, "input_layernorm.weight"), c.HiddenSize), Attention(c, weights, i, rotary)),
            new SubLayer(weights.Vector(Name(i, "post_attention_layernorm.weight"), c.HiddenSize), mlp(i)))) with
        { Rotary = [rotary] };
    }

    /// <summary>Embedding, layers, final norm (<paramref name="plus"/> is added to its weight) and head.</summary>
    internal static Network Frame(TargetConfig c, WeightTable weights, Func<int, Layer> layer, float plus = 0)
    {
        const string Embed = "model.embed_tokens.weight", HeadName = "lm_head.weight";
        var embedding = weights.Matrix(Embed, c.VocabularySize, c.HiddenSize);
        var layers = Enumerable.Range(0, c.Layers).Select(layer).ToArray();
        var norm = weights.Vector("model.norm.weight", c.HiddenSize, plus);
        // Some writers store a tied head too; a head that is there and differs is believed, as transformers does.
        var own = !c.TiedEmbeddings || (weights.Has(HeadName) && !weights.SameValues(HeadName, Embed));
        if (!own) weights.Allow(new WeightSlot(HeadName, c.VocabularySize, c.HiddenSize));
        return new Network(embedding, layers, norm, own ? weights.Matrix(HeadName, c.VocabularySize, c.HiddenSize) : embedding);
    }

    /// <summary>Attention whose q, k and v are three matrices on disk.</summary>
    /// <param name="c">The sizes.</param>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="i">The layer.</param>
    /// <param name="rotary">Angles; null: positions are not told apart.</param>
    /// <param name="prefix">Between the layer's name and the product's.</param>
    /// <param name="norms">Norms of q and of k; null: those of every head where the config has them.</param>
    /// <param name="form">The heads, where their scale or cap is their own.</param>
    internal static SelfAttention Attention(TargetConfig c, WeightTable weights, int i, RotaryTable? rotary, string prefix = "self_attn.", (Parameter Query, Parameter Key)? norms = null, HeadLayout? form = null)
    {
        var (queries, keys) = (c.Heads * c.HeadSize, c.KeyValueHeads * c.HeadSize);
        (string, int)[] fused = [(Name(i, $"{prefix}q_proj"), queries), (Name(i, $"{prefix}k_proj"), keys), (Name(i, $"{prefix}v_proj"), keys)];
        if (c.QueryKeyNorm) norms ??= (weights.Vector(Name(i, $"{prefix}q_norm.weight"), c.HeadSize), weights.Vector(Name(i, $"{prefix}k_norm.weight"), c.HeadSize));
        return new SelfAttention(form ?? HeadLayout.Fused(c.Heads, c.KeyValueHeads, c.HeadSize), new AttentionWeights(
            weights.Product(c.HiddenSize, fused), c.AttentionBias ? weights.Bias(fused) : null,
            weights.Product(queries, (Name(i, $"{prefix}o_proj"), c.HiddenSize)), c.OutputBias ? weights.Bias((Name(i, $"{prefix}o_proj"), c.HiddenSize)) : null,
            norms?.Query, norms?.Key, c.Sinks ? weights.Vector(Name(i, $"{prefix}sinks"), c.Heads) : null), rotary, c.RmsNormEps, c.WindowOf(i));
    }

    /// <summary>A gated MLP.</summary>
    internal static GatedMlp Mlp(TargetConfig c, WeightTable weights, int i, Gate gate = default)
    {
        (string, int)[] gateUp = [(Name(i, "mlp.gate_proj"), c.IntermediateSize), (Name(i, "mlp.up_proj"), c.IntermediateSize)], down = [(Name(i, "mlp.down_proj"), c.HiddenSize)];
        return new GatedMlp(weights.Product(c.HiddenSize, gateUp), c.MlpBias ? weights.Bias(gateUp) : null, weights.Product(c.IntermediateSize, down), c.MlpBias ? weights.Bias(down) : null, gate);
    }

    /// <summary>The name of a part of a layer, without `.weight` or `.bias`.</summary>
    internal static string Name(int layer, string part) => $"model.layers.{layer}.{part}";
}
