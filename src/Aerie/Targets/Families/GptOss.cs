// gpt-oss (arXiv:2508.10925): attention with a sink logit for each head and biases everywhere, windows in even layers, yarn; experts of a clamped SwiGLU with biases, weighed by a softmax over the
// k largest router logits.
//   model.layers.{i}.self_attn.sinks [n]      .self_attn.{q,k,v,o}_proj.bias      .mlp.router.weight [E, H], .mlp.router.bias [E]
//   .mlp.experts.gate_up_proj [E, H, 2J], gate_up_proj_bias [E, 2J], down_proj [E, J, H], down_proj_bias [E, H]: not transposed, gate and up in turn in columns; both is undone here
//   or, in published files, gate_up_proj_blocks [E, 2J, H / 32, 16], gate_up_proj_scales [E, 2J, H / 32], down_proj_blocks [E, H, J / 32, 16], down_proj_scales [E, H, J / 32]: MXFP4, transposed
using System.Diagnostics.CodeAnalysis;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class GptOss
{
    internal static readonly TargetFamily Family = new("GptOssForCausalLM", "gpt_oss", Read, Build);

    /// <summary>What a gpt-oss config says beyond others.</summary>
    sealed record Config : TargetConfig
    {
        [SetsRequiredMembers]
        internal Config(TargetConfig shared) : base(shared) { }

        /// <summary>The activation of its experts.</summary>
        internal Gate Gate { get; init; }
    }

    static Config Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 131072, Eps = 1e-5, Theta = 150000, HeadSize = 64 });
        var types = json.Texts("layer_types");
        if (types.Length == 0) types = [.. Enumerable.Range(0, config.Layers).Select(i => i % 2 == 0 ? "sliding_attention" : "full_attention")];
        var biases = json.Flag("attention_bias", true);
        return new Config(config with
        {
            AttentionBias = biases,
            OutputBias = biases,
            Sinks = true,
            Windows = TargetConfig.WindowsOf(json, types, config.Layers, 128),
            Rope = json.Has("rope_parameters") || json.Has("rope_scaling") ? config.Rope
                : new RopeConfig("yarn", config.Rope.Theta, 32, 4096) { BetaFast = 32, BetaSlow = 1, Truncate = false, AttentionScale = 0.1 * Math.Log(32) + 1 },
            Experts = ExpertsConfig.Read(json, "num_local_experts", "intermediate_size", new RouteRule(false, true), 128, 4),
        })
        { Gate = new Gate(GateKind.ClampedSwiGlu, (float)json.Positive("swiglu_alpha", 1.702), (float)json.Positive("swiglu_limit", 7)) };
    }

    static Network Build(TargetConfig shared, WeightTable weights)
    {
        var c = (Config)shared;
        var (e, hidden) = (c.Experts!, c.HiddenSize);
        return Llama.Build(c, weights, i =>
        {
            string Name(string part) => Llama.Name(i, $"mlp.{part}");
            return new Experts(e, new ExpertWeights(
                weights.ExactProduct(Name("router.weight"), e.Count, hidden), weights.Vector(Name("router.bias"), e.Count), null,
                Experts(c, weights, Name("experts.gate_up_proj"), 2 * e.Width, hidden, true), Biases(weights, Name("experts.gate_up_proj_bias"), e.Count, 2 * e.Width, true),
                Experts(c, weights, Name("experts.down_proj"), hidden, e.Width, false), Biases(weights, Name("experts.down_proj_bias"), e.Count, hidden, false)), c.Gate);
        });
    }

    // For each expert [rows, cols].
    static Parameter[] Experts(TargetConfig c, WeightTable weights, string name, int rows, int cols, bool inTurn)
    {
        var (count, blocks, scales) = (c.Experts!.Count, $"{name}_blocks", $"{name}_scales");
        if (!weights.Has(blocks)) return ExpertTensors.Each(weights, name, count, rows, cols, [count, cols, rows], disk => Turn(disk, cols, rows, inTurn));
        if (cols % Mxfp4.Numbers != 0) throw new AerieException($"{c.Path}: {blocks} cannot be: blocks of {Mxfp4.Numbers} do not divide a width of {cols}", "Is config.json of the same checkpoint?");
        var perRow = cols / Mxfp4.Numbers;
        WeightSlot[] slots = [new(blocks, [count, rows, perRow, Mxfp4.Bytes]) { PerByte = 2 }, new(scales, [count, rows, perRow]) { PerByte = 0 }];
        return [.. Enumerable.Range(0, count).Select(e => weights.Declare($"{name}[{e}]", rows, cols, e == 0 ? slots : [], () =>
        {
            var (packed, shared, values) = (new byte[rows * perRow * Mxfp4.Bytes], new byte[rows * perRow], new float[rows * cols]);
            weights.ReadBytes(blocks, (long)e * packed.Length, packed);
            weights.ReadBytes(scales, (long)e * shared.Length, shared);
            for (var r = 0; r < rows; r++)
            {
                var from = !inTurn ? r : r < rows / 2 ? 2 * r : 2 * r - rows + 1;
                Mxfp4.Expand(packed.AsSpan(from * perRow * Mxfp4.Bytes, perRow * Mxfp4.Bytes), shared.AsSpan(from * perRow, perRow), values.AsSpan(r * cols, cols));
            }
            return Tensor.From(values, new Shape(rows, cols));
        }, true))];
    }

    static Parameter Biases(WeightTable weights, string name, int experts, int width, bool inTurn) => weights.Declare(name, experts, width, [new WeightSlot(name, experts, width)], () =>
    {
        var values = new float[experts * width];
        weights.Read(name, 0, values);
        for (var e = 0; inTurn && e < experts; e++) Turn(values.AsSpan(e * width, width).ToArray(), 1, width, true).CopyTo(values, e * width);
        return Tensor.From(values, new Shape(experts, width));
    });

    /// <summary>[rows, columns] turned into [columns, rows]; <paramref name="inTurn"/>: the even columns first, then the odd ones.</summary>
    internal static float[] Turn(float[] values, int rows, int columns, bool inTurn)
    {
        const int Block = 32;                                   // a square of the source and of the result stay in the cache
        var turned = new float[values.Length];
        for (var r0 = 0; r0 < rows; r0 += Block)
            for (var c0 = 0; c0 < columns; c0 += Block)
                for (var c = c0; c < Math.Min(c0 + Block, columns); c++)
                {
                    var to = (inTurn ? c % 2 * (columns / 2) + c / 2 : c) * rows;
                    for (var r = r0; r < Math.Min(r0 + Block, rows); r++) turned[to + r] = values[r * columns + c];
                }
        return turned;
    }
}
