// A target's config.json as it is used: the fields that most families share, their defaults (those of transformers where the field has one), and what must fit together.
// What a family alone has is read in its own file (Families/).
using Aerie.Targets.Families;

namespace Aerie.Targets;

/// <summary>What a family assumes where its config says nothing.</summary>
sealed record TargetDefaults
{
    /// <summary>Number of layers, where num_hidden_layers is not asked.</summary>
    public int? Layers { get; init; }

    /// <summary>intermediate_size; null: it must be there.</summary>
    public int? IntermediateSize { get; init; }

    /// <summary>num_attention_heads, num_key_value_heads and vocab_size; null: the first and the last must be there, the second is the first.</summary>
    public (int Heads, int KeyValueHeads, int Vocabulary)? Sizes { get; init; }

    /// <summary>max_position_embeddings.</summary>
    public int MaxPositions { get; init; } = 32768;

    /// <summary>head_dim; null: H / heads.</summary>
    public int? HeadSize { get; init; }

    /// <summary>Epsilon of norms, and the key that says it.</summary>
    public double Eps { get; init; } = 1e-6;

    /// <inheritdoc cref="Eps"/>
    public string EpsKey { get; init; } = "rms_norm_eps";

    /// <summary>Base of the frequencies.</summary>
    public double Theta { get; init; } = 1e4;

    /// <summary>Reads how positions rotate, from the config and max_position_embeddings, in the family's own way; null: the common one.</summary>
    public Func<ConfigFile, int, RopeConfig>? Rope { get; init; }

    /// <summary>tie_word_embeddings.</summary>
    public bool Tied { get; init; }

    /// <summary>H must be a multiple of the heads even where head_dim is given.</summary>
    public bool HeadsDivideHidden { get; init; }

    /// <summary>The key of the activation's name, and the names that are understood.</summary>
    public string ActivationKey { get; init; } = "hidden_act";

    /// <inheritdoc cref="ActivationKey"/>
    public IReadOnlyList<string> Activations { get; init; } = ["silu", "swish"];
}

/// <summary>A target's facts (config.json of transformers 4.x or 5.x).</summary>
public record TargetConfig
{
    /// <summary>The architectures that this version has.</summary>
    public static IReadOnlyList<string> Architectures => [.. TargetFamily.All.Select(f => f.Architecture)];

    /// <summary>How its network is put together.</summary>
    internal TargetFamily Family { get; init; } = Llama.Family;

    /// <summary>Where it was read.</summary>
    public required string Path { get; init; }

    /// <summary>Layers n.</summary>
    public required int Layers { get; init; }

    /// <summary>Width H of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width I of the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Size of one head; heads · size may differ from H.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Tokens V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Longest text, in tokens.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Epsilon of every norm.</summary>
    public required float RmsNormEps { get; init; }

    /// <summary>How positions rotate.</summary>
    public required RopeConfig Rope { get; init; }

    /// <summary>The head is the embedding table.</summary>
    public bool TiedEmbeddings { get; init; }

    /// <summary>q, k and v have biases.</summary>
    public bool AttentionBias { get; init; }

    /// <summary>o has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Every head of q and of k is normed before it is rotated.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Every head has a learned logit that takes part in the softmax.</summary>
    public bool Sinks { get; init; }

    /// <summary>Keys that the rows of each layer see, itself included; 0: all. Empty: all in every layer. No two windows differ.</summary>
    public IReadOnlyList<int> Windows { get; init; } = [];

    /// <summary>Keys that the rows of a layer see, itself included; 0: all.</summary>
    public int WindowOf(int layer) => Windows.Count > 0 ? Windows[layer] : 0;

    /// <summary>gate, up and down have biases.</summary>
    public bool MlpBias { get; init; }

    /// <summary>The experts of its layers; null: it has none.</summary>
    public ExpertsConfig? Experts { get; init; }

    /// <summary>Layers that have an MLP although others have experts.</summary>
    public IReadOnlyList<int> DenseLayers { get; init; } = [];

    /// <summary>Tokens that end a text: of generation_config.json, else of config.json.</summary>
    public IReadOnlyList<int> EndTokenIds { get; init; } = [];

    /// <summary>The token that begins a text.</summary>
    public int? BeginTokenId { get; init; }

    /// <summary>Aux layers where nobody says others: outputs of layers 1, n/2 - 1 and n - 4; for fewer than eight layers the first, a middle and the last.</summary>
    public IReadOnlyList<int> DefaultAuxLayers => Layers >= 8 ? [1, Layers / 2 - 1, Layers - 4] : [.. new SortedSet<int> { 0, (Layers - 1) / 2, Layers - 1 }];

    /// <summary>The architecture that a config names (`architectures`, else `model_type`), whether or not this version has it.</summary>
    public static string ArchitectureOf(ConfigFile config)
    {
        var named = config.Texts("architectures");
        return named.Length > 0 ? named[0] : config.Text("model_type") switch
        {
            { } type => TargetFamily.All.FirstOrDefault(f => f.ModelType == type)?.Architecture ?? type,
            null => throw new AerieException($"{config.Path}: has neither `architectures` nor `model_type`", $"Supported architectures: {string.Join(", ", Architectures)}."),
        };
    }

    /// <summary>Reads config.json (a file, or the folder that has one), and generation_config.json beside it.</summary>
    /// <exception cref="AerieException">A value is missing, of the wrong type, out of range or does not fit another; or the architecture is another one.</exception>
    public static TargetConfig Read(string path)
    {
        var json = ConfigFile.Open(path);
        var architecture = ArchitectureOf(json);
        var family = TargetFamily.All.FirstOrDefault(f => f.Architecture == architecture);
        if (family is null || (json.Text("model_type") is { } type && type != family.ModelType))
            throw new AerieException($"{json.Path}: the architecture {architecture}{(json.Text("model_type") is { } t ? $" (model_type {t})" : "")} is not supported",
                $"Supported architectures: {string.Join(", ", Architectures)}.");
        return family.Read(json);
    }

    /// <summary>Reads what all families share.</summary>
    internal static TargetConfig Read(ConfigFile json, TargetFamily family, TargetDefaults defaults)
    {
        QuantizedWeights.CheckConfig(json);
        if (json.Text(defaults.ActivationKey) is { } act && !defaults.Activations.Contains(act)) throw json.Bad(defaults.ActivationKey, $"is '{act}'; supported: {defaults.Activations[0]}");
        foreach (var key in (string[])["torch_dtype", "dtype"])
            if (json.Text(key) is { } dtype and not ("float32" or "float16" or "bfloat16" or "auto")) throw json.Bad(key, $"is '{dtype}'; supported: float32, float16, bfloat16");

        var hidden = json.Whole("hidden_size");
        var heads = json.Whole("num_attention_heads", most: 1 << 14, otherwise: defaults.Sizes?.Heads);
        if (hidden % heads != 0 && (defaults.HeadsDivideHidden || (defaults.HeadSize is null && !json.Has("head_dim"))))
            throw json.Bad("hidden_size", $"is {hidden}, which num_attention_heads {heads} does not divide");
        var keyHeads = json.Whole("num_key_value_heads", most: 1 << 14, otherwise: defaults.Sizes?.KeyValueHeads ?? heads);
        if (heads % keyHeads != 0) throw json.Bad("num_key_value_heads", $"must divide num_attention_heads: {heads} heads cannot share {keyHeads}");
        var headSize = json.Whole("head_dim", most: 1 << 14, otherwise: defaults.HeadSize ?? hidden / heads);
        var positions = json.Whole("max_position_embeddings", most: int.MaxValue, otherwise: defaults.MaxPositions);
        var vocabulary = json.Whole("vocab_size", most: 1 << 24, otherwise: defaults.Sizes?.Vocabulary);
        return new TargetConfig
        {
            Family = family,
            Path = json.Path,
            Layers = defaults.Layers ?? json.Whole("num_hidden_layers", most: 1 << 14),
            HiddenSize = hidden,
            IntermediateSize = json.Whole("intermediate_size", most: 1 << 22, otherwise: defaults.IntermediateSize),
            Heads = heads,
            KeyValueHeads = keyHeads,
            HeadSize = headSize,
            VocabularySize = vocabulary,
            MaxPositions = positions,
            RmsNormEps = (float)json.Positive(defaults.EpsKey, defaults.Eps, orZero: true),
            Rope = Checked(defaults.Rope?.Invoke(json, positions) ?? RopeConfig.Read(json, positions, defaults.Theta), json, headSize),
            TiedEmbeddings = json.Flag("tie_word_embeddings", defaults.Tied),
            EndTokenIds = EndTokens(json, vocabulary),
            BeginTokenId = json.Ids("bos_token_id") is [var begin, ..] ? begin : null,
        };
    }

    static RopeConfig Checked(RopeConfig rope, ConfigFile json, int headSize)
    {
        if (rope.Kind == "none") return rope;
        if (headSize % 2 != 0) throw json.Bad("head_dim", $"must be even to be rotated, not {headSize}");
        var rotated = rope.RotatedSize(headSize);
        if (rotated == 0 || rotated % 2 != 0) throw json.Bad("partial_rotary_factor", $"leaves {rotated} of the {headSize} dimensions of a head to be rotated; it must be an even number of at least 2");
        foreach (var (key, factors) in ((string, IReadOnlyList<double>)[])[("short_factor", rope.ShortFactors), ("long_factor", rope.LongFactors)])
            if (rope.Kind == "longrope" && factors.Count != rotated / 2) throw json.Bad(key, $"has {factors.Count} numbers for {rotated / 2} rotated pairs");
        return rope;
    }

    /// <summary>The windows of layers by their types (`layer_types`; empty: no windows); the window itself is `sliding_window`.</summary>
    internal static int[] WindowsOf(ConfigFile json, IReadOnlyList<string> types, int layers, int otherwise)
    {
        if (types.Count == 0) return [];
        if (types.Count != layers) throw json.Bad("layer_types", $"has {types.Count} entries for {layers} layers");
        if (types.FirstOrDefault(t => t is not ("sliding_attention" or "full_attention")) is { } other) throw json.Bad("layer_types", $"has '{other}'; supported: full_attention, sliding_attention");
        if (!types.Contains("sliding_attention")) return [];
        var window = json.Whole("sliding_window", most: int.MaxValue, otherwise: otherwise);
        return [.. types.Select(t => t == "sliding_attention" ? window : 0)];
    }

    internal static int[] EndTokens(ConfigFile json, int vocabulary)
    {
        var ids = json.Ids("eos_token_id");
        var generation = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(json.Path))!, "generation_config.json");
        if (File.Exists(generation)) ids = ConfigFile.Open(generation).Ids("eos_token_id") ?? ids;
        return Array.FindAll(ids ?? [], id => id < vocabulary);
    }
}
