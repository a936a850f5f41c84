// Nemotron-H (arXiv:2504.03624), Nemotron 3 Nano and Nemotron-Cascade: each layer is one block, M Mamba-2, * attention that is not told positions, - an MLP, or E experts:
//   x += block( norm(x) )          max(u, 0)² in MLPs and experts; the router and its bias as DeepSeek-V3 (arXiv:2412.19437); experts may work in a narrower space (fc1, fc2)
//   model.embeddings.weight, lm_head.weight [V, H]      model.norm_f.weight [H]      model.layers.{i}. (on disk mostly backbone.layers.{i}.) norm.weight [H] and mixer.
//   M: in_proj [2D + 2GN + h, H]   conv1d [D + 2GN, 1, K]   A_log, D, dt_bias [h]   norm [D]   out_proj [H, D]          *: {q,k,v,o}_proj as Llama          -: up_proj [I, H]   down_proj [H, I]
//   E: gate [E, H]   gate.e_score_correction_bias [E]   experts.{e}.up_proj [J, Z], down_proj [Z, J]   shared_experts.up_proj [S, H], down_proj [H, S]   fc1_latent_proj [Z, H], fc2_latent_proj [H, Z]
//   .bias: use_bias (in_proj, out_proj), use_conv_bias (conv1d), mlp_bias (-, shared experts, fc1, fc2)
// transformers clamps dt from below in passes of several tokens; servers and the publisher never do, and neither do we.
using System.Diagnostics.CodeAnalysis;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

/// <summary>What a NemotronH config says beyond others.</summary>
sealed record NemotronHConfig : TargetConfig
{
    [SetsRequiredMembers]
    internal NemotronHConfig(TargetConfig shared) : base(shared) { }

    /// <summary>A letter for each layer.</summary>
    internal string Pattern { get; init; } = "";

    /// <summary>Sizes of the Mamba-2 layers.</summary>
    internal ScanLayout Scan { get; init; }

    /// <summary>Taps of the convolution.</summary>
    internal int Taps { get; init; }

    /// <summary>The convolution has a bias.</summary>
    internal bool TapsBias { get; init; }

    /// <summary>in_proj and out_proj have biases.</summary>
    internal bool MambaBias { get; init; }
}

static class NemotronH
{
    internal static readonly TargetFamily Family = new("NemotronHForCausalLM", "nemotron_h", Read, Build)
    {
        Canonical = name => name.StartsWith("mtp.", StringComparison.Ordinal) ? null
            : name.StartsWith("backbone.", StringComparison.Ordinal) ? $"model.{name["backbone.".Length..]}" : name,
    };

    static NemotronHConfig Read(ConfigFile json)
    {
        var pattern = Pattern(json);
        var shared = TargetConfig.Read(json, Family, new TargetDefaults
        {
            Layers = pattern.Length, MaxPositions = 4096, HeadSize = 128, IntermediateSize = 21504, Eps = 1e-5, EpsKey = "layer_norm_epsilon",
            ActivationKey = "mlp_hidden_act", Activations = ["relu2"], Rope = (_, _) => new RopeConfig("none", 1e4),
        });
        if (json.Text("mamba_hidden_act") is { } act and not ("silu" or "swish")) throw json.Bad("mamba_hidden_act", $"is '{act}'; supported: silu");
        string Key(string alias, string key) => json.Has(alias) ? alias : key;
        var (heads, groupsKey) = (json.Whole("mamba_num_heads", most: 1 << 14, otherwise: 128), Key("mamba_n_groups", "n_groups"));
        var groups = json.Whole(groupsKey, most: heads, otherwise: 8);
        if (heads % groups != 0) throw json.Bad(groupsKey, $"must divide mamba_num_heads: {heads} heads in {groups} groups");
        var scan = new ScanLayout(heads, json.Whole("mamba_head_dim", most: 1 << 12, otherwise: 64), groups, json.Whole("ssm_state_size", most: 1 << 12, otherwise: 128));
        if ((long)scan.Inner * scan.StateSize > 1 << 28) throw json.Bad("ssm_state_size", $"is {scan.StateSize}: {heads} heads of {scan.HeadSize} would have a state of {(long)scan.Inner * scan.StateSize:#,0} numbers");
        return new NemotronHConfig(shared with
        {
            TiedEmbeddings = false,
            MlpBias = json.Flag("mlp_bias", false),
            Experts = pattern.Contains('E') ? Experts(json, pattern.Count(letter => letter == 'E')) : null,
        })
        {
            Pattern = pattern,
            Scan = scan,
            Taps = json.Whole(Key("mamba_d_conv", "conv_kernel"), most: 64, otherwise: 4),
            TapsBias = json.Flag(Key("mamba_conv_bias", "use_conv_bias"), true),
            MambaBias = json.Flag("use_bias", false),
        };
    }

    // The list wins over the pattern, as in transformers; num_hidden_layers is not asked.
    static string Pattern(ConfigFile json)
    {
        var key = json.Has("layers_block_type") ? "layers_block_type" : "layer_types";
        var types = json.Texts(key);
        var pattern = types.Length > 0 ? string.Concat(types.Select(type => type switch
        {
            "linear_attention" or "mamba" => 'M',
            "moe" => 'E',
            "full_attention" or "attention" => '*',
            "mlp" => '-',
            _ => throw json.Bad(key, $"has '{type}'; supported: linear_attention (mamba), full_attention (attention), mlp, moe"),
        })) : json.Text("hybrid_override_pattern") ?? throw json.Bad("layers_block_type", "and `hybrid_override_pattern` are missing");
        if (pattern.Length is 0 or > 1 << 14 || pattern.AsSpan().ContainsAnyExcept("M*-E")) throw json.Bad("hybrid_override_pattern", "must be made of the letters M (Mamba-2), * (attention), - (MLP) and E (experts)");
        return pattern;
    }

    static ExpertsConfig Experts(ConfigFile json, int layers)
        => ExpertsConfig.Read(json, json.Has("n_routed_experts") ? "n_routed_experts" : "num_local_experts", "moe_intermediate_size", ExpertsConfig.Sigmoid(json, 1, 1, 1), 8, 2, 7688, layers) with
        {
            SharedWidth = json.Whole("moe_shared_expert_intermediate_size", most: 1 << 22, otherwise: 7688),
            LatentWidth = json.Whole("moe_latent_size", least: 0, otherwise: 0),
        };

    static Network Build(TargetConfig shared, WeightTable weights)
    {
        var c = (NemotronHConfig)shared;
        return new Network(weights.Matrix("model.embeddings.weight", c.VocabularySize, c.HiddenSize),
            [.. c.Pattern.Select((letter, i) => new Layer(new SubLayer(weights.Vector($"model.layers.{i}.norm.weight", c.HiddenSize), letter switch
            {
                'M' => Mamba(c, weights, $"model.layers.{i}.mixer."),
                '*' => Llama.Attention(c, weights, i, null, "mixer."),
                '-' => Mlp(c, weights, $"model.layers.{i}.mixer.", c.IntermediateSize),
                _ => Experts(c, c.Experts!, weights, $"model.layers.{i}.mixer."),
            })))],
            weights.Vector("model.norm_f.weight", c.HiddenSize), weights.Matrix("lm_head.weight", c.VocabularySize, c.HiddenSize));
    }

    static Mamba2 Mamba(NemotronHConfig c, WeightTable weights, string prefix)
    {
        var (scan, taps, channels) = (c.Scan, $"{prefix}conv1d.weight", c.Scan.Convolved);
        (string, int) into = ($"{prefix}in_proj", scan.Inner + scan.Width), back = ($"{prefix}out_proj", c.HiddenSize);
        return new Mamba2(scan, new Mamba2Weights(
            weights.Product(c.HiddenSize, into), c.MambaBias ? weights.Bias(into) : null,
            weights.Declare(taps, c.Taps, channels, [new WeightSlot(taps, [channels, 1, c.Taps])], () =>
            {
                var (onDisk, turned) = (new float[channels * c.Taps], new float[channels * c.Taps]);
                weights.Read(taps, 0, onDisk);
                for (var i = 0; i < turned.Length; i++) turned[i] = onDisk[i % channels * c.Taps + i / channels];
                return Tensor.From(turned, new Shape(c.Taps, channels));
            }), c.TapsBias ? weights.Bias(($"{prefix}conv1d", channels)) : null,
            weights.Vector($"{prefix}A_log", scan.Heads), weights.Vector($"{prefix}D", scan.Heads), weights.Vector($"{prefix}dt_bias", scan.Heads),
            weights.Vector($"{prefix}norm.weight", scan.Inner), weights.Product(scan.Inner, back), c.MambaBias ? weights.Bias(back) : null), c.RmsNormEps);
    }

    static PlainMlp Mlp(TargetConfig c, WeightTable weights, string prefix, int width)
    {
        (string, int) up = ($"{prefix}up_proj", width), down = ($"{prefix}down_proj", c.HiddenSize);
        return new PlainMlp(weights.Product(c.HiddenSize, up), c.MlpBias ? weights.Bias(up) : null, weights.Product(width, down), c.MlpBias ? weights.Bias(down) : null);
    }

    static Experts Experts(TargetConfig c, ExpertsConfig e, WeightTable weights, string prefix)
    {
        var (experts, width) = (Enumerable.Range(0, e.Count), e.LatentWidth > 0 ? e.LatentWidth : c.HiddenSize);
        (Parameter, Parameter?)? Latent(string name, int rows, int cols)
            => e.LatentWidth == 0 ? null : (weights.Product(cols, ($"{prefix}{name}", rows)), c.MlpBias ? weights.Bias(($"{prefix}{name}", rows)) : null);
        return new Experts(e, new ExpertWeights(
            weights.ExactProduct($"{prefix}gate.weight", e.Count, c.HiddenSize), null, weights.Vector($"{prefix}gate.e_score_correction_bias", e.Count),
            [.. experts.Select(i => weights.Product(width, ($"{prefix}experts.{i}.up_proj", e.Width)))], null,
            [.. experts.Select(i => weights.Product(e.Width, ($"{prefix}experts.{i}.down_proj", width)))], null)
        {
            LatentIn = Latent("fc1_latent_proj", width, c.HiddenSize),
            LatentOut = Latent("fc2_latent_proj", c.HiddenSize, width),
        }, null, Mlp(c, weights, $"{prefix}shared_experts.", e.SharedWidth));
    }
}
