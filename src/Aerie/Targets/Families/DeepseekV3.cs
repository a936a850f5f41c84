// DeepSeek-V3 (arXiv:2412.19437; also Kimi K2 and Moonlight): latent attention; after some dense layers, experts chosen by sigmoids with a correction bias within the best groups, and a shared expert.
//   model.layers.{i}.self_attn.q_a_proj [Q, H], q_a_layernorm [Q], q_b_proj [heads (n + r), Q], or q_proj [heads (n + r), H]      .self_attn.kv_a_proj_with_mqa [R + r, H], kv_a_layernorm [R]
//   .self_attn.kv_b_proj [heads (n + v), R], o_proj [H, heads v]      .mlp.{gate,up}_proj [I, H], down_proj [H, I] in the first layers, else
//   .mlp.gate.weight [E, H], gate.e_score_correction_bias [E], experts.{e}.{gate,up}_proj [J, H], down_proj [H, J], shared_experts.{gate,up}_proj [S, H], down_proj [H, S]
using System.Diagnostics.CodeAnalysis;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class DeepseekV3
{
    internal static readonly TargetFamily Family = new("DeepseekV3ForCausalLM", "deepseek_v3", Read, Build);

    /// <summary>What a DeepSeek-V3 config says beyond others.</summary>
    sealed record Config : TargetConfig
    {
        [SetsRequiredMembers]
        internal Config(TargetConfig shared) : base(shared) { }

        /// <summary>How its attention is compressed.</summary>
        internal LatentAttentionConfig LatentAttention { get; init; } = null!;

        /// <summary>Layers that follow the last one on disk and are of no use here: they predict further tokens.</summary>
        internal int UnusedLayers { get; init; }
    }

    // Each head has parameters of its own.
    const int MostHeads = 1 << 15;

    static Config Read(ConfigFile json)
    {
        int Part(string key, int otherwise) => json.Whole(key, most: 1 << 14, otherwise: otherwise);
        var (plain, rotated) = (Part("qk_nope_head_dim", 128), Part("qk_rope_head_dim", 64));
        if (rotated % 2 != 0) throw json.Bad("qk_rope_head_dim", $"must be even to be rotated, not {rotated}");
        var config = TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 4096, HeadSize = rotated });
        if ((long)config.Layers * config.Heads > MostHeads) throw json.Bad("num_attention_heads", $"is {config.Heads}: more than {MostHeads} heads in {config.Layers} layers");
        var biases = json.Flag("attention_bias", false);
        var experts = ExpertsConfig.Read(json, "n_routed_experts", "moe_intermediate_size", ExpertsConfig.Sigmoid(json, 8, 4, 2.5), 256, 8, 2048);
        var shared = json.Whole("n_shared_experts", least: 0, most: 256, otherwise: 1);
        if ((long)experts.Width * shared > 1 << 22) throw json.Bad("n_shared_experts", $"is {shared}: {shared} experts of {experts.Width} are wider than any model");
        return new Config(config with
        {
            HeadSize = plain + rotated,
            AttentionBias = biases,
            OutputBias = biases,
            Experts = experts with { SharedWidth = experts.Width * shared },
            DenseLayers = [.. Enumerable.Range(0, Math.Min(config.Layers, json.Whole("first_k_dense_replace", least: 0, otherwise: 3)))],
        })
        {
            LatentAttention = new(json.IsNull("q_lora_rank") ? 0 : Part("q_lora_rank", 1536), Part("kv_lora_rank", 512), plain, rotated, Part("v_head_dim", 128), json.Flag("rope_interleave", true),
                Scale(json, config.Rope, plain + rotated)),
            UnusedLayers = json.Whole("num_nextn_predict_layers", least: 0, most: 64, otherwise: 1),
        };
    }

    static float Scale(ConfigFile json, RopeConfig rope, int size)
    {
        var all = (json.Object("rope_parameters") ?? json.Object("rope_scaling"))?.Positive("mscale_all_dim", 0, orZero: true) ?? 0;
        var m = rope.Kind == "default" || all == 0 || rope.Factor <= 1 ? 1 : 0.1 * all * Math.Log(rope.Factor) + 1;
        return (float)(m * m / Math.Sqrt(size));
    }

    static Network Build(TargetConfig shared, WeightTable weights)
    {
        var c = (Config)shared;
        for (var i = 0; i < c.UnusedLayers; i++) weights.Ignore(Llama.Name(c.Layers + i, ""));          // they predict further tokens
        var rotary = c.Rope.CreateTable(c.LatentAttention.Rotary);
        return Llama.Frame(c, weights, i => new Layer(
            new SubLayer(weights.Vector(Llama.Name(i, "input_layernorm.weight"), c.HiddenSize), Attention(c, weights, i, rotary)),
            new SubLayer(weights.Vector(Llama.Name(i, "post_attention_layernorm.weight"), c.HiddenSize), c.DenseLayers.Contains(i) ? Llama.Mlp(c, weights, i) : Mixture(c, weights, i)))) with
        { Rotary = [rotary] };
    }

    static Experts Mixture(TargetConfig c, WeightTable weights, int i)
    {
        var (e, prefix) = (c.Experts!, Llama.Name(i, "mlp."));
        var experts = ExpertTensors.Gated(c, weights, prefix) with { ChoiceBias = weights.Vector($"{prefix}gate.e_score_correction_bias", e.Count) };
        var shared = e.SharedWidth == 0 ? null : new GatedMlp(
            weights.Product(c.HiddenSize, ($"{prefix}shared_experts.gate_proj", e.SharedWidth), ($"{prefix}shared_experts.up_proj", e.SharedWidth)), null,
            weights.Product(e.SharedWidth, ($"{prefix}shared_experts.down_proj", c.HiddenSize)), null);
        return new Experts(e, experts, new Gate(GateKind.SwiGlu), shared);
    }

    static LatentAttention Attention(Config c, WeightTable weights, int i, RotaryTable rotary)
    {
        var (a, heads, hidden) = (c.LatentAttention, c.Heads, c.HiddenSize);
        var (rank, plain, rotated) = (a.Rank, a.Plain, a.Rotary);
        string Name(string part) => Llama.Name(i, $"self_attn.{part}");

        // Rows of a product in another order: row to is that of disk row `from(to)`.
        float[] Rows(string name, int rows, int cols, Func<int, int> from)
        {
            var (disk, ours) = (new float[checked(rows * cols)], new float[rows * cols]);
            weights.Read(name, 0, disk);
            for (var r = 0; r < rows; r++) disk.AsSpan(from(r) * cols, cols).CopyTo(ours.AsSpan(r * cols));
            return ours;
        }

        // In a run of r rows, where the rotation of halves finds what was rotated in pairs.
        int Unpaired(int m) => !a.Interleaved ? m : m < rotated / 2 ? 2 * m : 2 * (m - rotated / 2) + 1;
        int QueryRow(int to) => to < heads * rotated ? to / rotated * a.HeadSize + plain + Unpaired(to % rotated) : (to - heads * rotated) / plain * a.HeadSize + (to - heads * rotated) % plain;
        int KeyRow(int to) => to < rank ? to : rank + Unpaired(to - rank);
        Parameter Product(string name, int rows, int cols, Func<int, int> from)
            => weights.Declare(name, rows, cols, [new WeightSlot(name, rows, cols)], () => Tensor.From(Rows(name, rows, cols, from), new Shape(rows, cols)), true);

        var (query, queryWidth) = a.QueryRank > 0 ? (Name("q_b_proj.weight"), a.QueryRank) : (Name("q_proj.weight"), hidden);
        var (keyBias, expand, perHead) = (Name("kv_a_proj_with_mqa.bias"), Name("kv_b_proj.weight"), plain + a.Value);
        float[] Expand(int head, int from, int rows)
        {
            var values = new float[rows * rank];
            weights.Read(expand, ((long)head * perHead + from) * rank, values);
            return values;
        }
        return new LatentAttention(heads, a, new LatentAttentionWeights(
            a.QueryRank > 0 ? (weights.Product(hidden, (Name("q_a_proj"), a.QueryRank)), weights.Vector(Name("q_a_layernorm.weight"), a.QueryRank)) : null,
            a.QueryRank > 0 && c.AttentionBias ? weights.Bias((Name("q_a_proj"), a.QueryRank)) : null,
            Product(query, heads * a.HeadSize, queryWidth, QueryRow),
            Product(Name("kv_a_proj_with_mqa.weight"), rank + rotated, hidden, KeyRow),
            c.AttentionBias ? weights.Declare(keyBias, 1, rank + rotated, [WeightSlot.Vector(keyBias, rank + rotated)], () => Tensor.From(Rows(keyBias, rank + rotated, 1, KeyRow), new Shape(rank + rotated))) : null,
            weights.Vector(Name("kv_a_layernorm.weight"), rank),
            [.. Enumerable.Range(0, heads).Select(h => weights.Declare($"{expand}[{h}, key]", rank, plain, h == 0 ? [new WeightSlot(expand, heads * perHead, rank)] : [],
                () => Tensor.From(GptOss.Turn(Expand(h, 0, plain), plain, rank, false), new Shape(rank, plain)), true))],
            [.. Enumerable.Range(0, heads).Select(h => weights.Declare($"{expand}[{h}, value]", a.Value, rank, [], () => Tensor.From(Expand(h, plain, a.Value), new Shape(a.Value, rank)), true))],
            weights.Product(heads * a.Value, (Name("o_proj"), hidden)), c.OutputBias ? weights.Bias((Name("o_proj"), hidden)) : null), rotary);
    }
}
