// A target's config.json as it is used: Llama's fields, their defaults (those of transformers where the field has one), and what must fit together.
// What Qwen2, Qwen3 and Mistral change about Llama is told apart here and nowhere else; from here on it is a fact of the network: a bias, a norm, a window.
namespace Aerie.Targets;

/// <summary>A target of Llama's form (config.json of transformers 4.x or 5.x).</summary>
public sealed record TargetConfig
{
    static readonly (string Architecture, string ModelType)[] Families =
        [("LlamaForCausalLM", "llama"), ("Qwen2ForCausalLM", "qwen2"), ("Qwen3ForCausalLM", "qwen3"), ("MistralForCausalLM", "mistral")];

    /// <summary>The architectures that this version has.</summary>
    public static readonly IReadOnlyList<string> Architectures = [.. Families.Select(f => f.Architecture)];

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

    /// <summary>Keys that the rows of each layer see, itself included; 0: all. Empty: all in every layer. No two windows differ.</summary>
    public IReadOnlyList<int> Windows { get; init; } = [];

    /// <summary>gate, up and down have biases.</summary>
    public bool MlpBias { get; init; }

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
            { } type => Families.FirstOrDefault(f => f.ModelType == type).Architecture ?? type,
            null => throw new AerieException($"{config.Path}: has neither `architectures` nor `model_type`", $"Supported architectures: {string.Join(", ", Architectures)}."),
        };
    }

    /// <summary>Reads config.json (a file, or the folder that has one), and generation_config.json beside it.</summary>
    /// <exception cref="AerieException">A value is missing, of the wrong type, out of range or does not fit another; or the architecture is another one.</exception>
    public static TargetConfig Read(string path)
    {
        var json = ConfigFile.Open(path);
        var architecture = ArchitectureOf(json);
        var family = Families.FirstOrDefault(f => f.Architecture == architecture).ModelType;
        if (family is null || (json.Text("model_type") is { } type && type != family))
            throw new AerieException($"{json.Path}: the architecture {architecture}{(json.Text("model_type") is { } t ? $" (model_type {t})" : "")} is not supported",
                $"Supported architectures: {string.Join(", ", Architectures)}.");
        if (json.Has("quantization_config")) throw json.Bad("quantization_config", "names a quantized checkpoint, which is not supported; give the checkpoint in bf16, f16 or f32");
        if (json.Text("hidden_act") is { } act and not ("silu" or "swish")) throw json.Bad("hidden_act", $"is '{act}'; supported: silu");
        foreach (var key in (string[])["torch_dtype", "dtype"])
            if (json.Text(key) is { } dtype and not ("float32" or "float16" or "bfloat16" or "auto")) throw json.Bad(key, $"is '{dtype}'; supported: float32, float16, bfloat16");

        var hidden = json.Whole("hidden_size");
        var heads = json.Whole("num_attention_heads", most: 1 << 14);
        if (hidden % heads != 0 && (family == "llama" || (family != "qwen3" && !json.Has("head_dim")))) throw json.Bad("hidden_size", $"is {hidden}, which num_attention_heads {heads} does not divide");
        var keyHeads = json.Whole("num_key_value_heads", most: 1 << 14, otherwise: heads);
        if (heads % keyHeads != 0) throw json.Bad("num_key_value_heads", $"must divide num_attention_heads: {heads} heads cannot share {keyHeads}");
        var headSize = json.Whole("head_dim", most: 1 << 14, otherwise: family == "qwen3" ? 128 : hidden / heads);
        if (headSize % 2 != 0) throw json.Bad("head_dim", $"must be even to be rotated, not {headSize}");
        var positions = json.Whole("max_position_embeddings", most: int.MaxValue, otherwise: family switch { "llama" => 2048, "mistral" => 131072, _ => 32768 });
        var layers = json.Whole("num_hidden_layers", most: 1 << 14);
        var biases = family is "llama" or "qwen3" && json.Flag("attention_bias", false);
        var vocabulary = json.Whole("vocab_size", most: 1 << 24);
        return new TargetConfig
        {
            Path = json.Path,
            Layers = layers,
            HiddenSize = hidden,
            IntermediateSize = json.Whole("intermediate_size", most: 1 << 22),
            Heads = heads,
            KeyValueHeads = keyHeads,
            HeadSize = headSize,
            VocabularySize = vocabulary,
            MaxPositions = positions,
            RmsNormEps = (float)json.Positive("rms_norm_eps", 1e-6, orZero: true),
            Rope = RopeConfig.Read(json, positions),
            TiedEmbeddings = json.Flag("tie_word_embeddings", false),
            AttentionBias = biases || family == "qwen2",
            OutputBias = biases,
            MlpBias = family == "llama" && json.Flag("mlp_bias", false),
            QueryKeyNorm = family == "qwen3",
            Windows = WindowsOf(json, family, layers),
            EndTokenIds = EndTokens(json, vocabulary),
            BeginTokenId = json.Ids("bos_token_id") is [var begin, ..] ? begin : null,
        };
    }

    // Mistral: one window in every layer (absent: 4096, null: none). Qwen: in the layers of layer_types, or above max_window_layers where use_sliding_window.
    static int[] WindowsOf(ConfigFile json, string family, int layers)
    {
        int Window() => json.Whole("sliding_window", most: int.MaxValue, otherwise: 4096);
        if (family == "mistral") return json.IsNull("sliding_window") ? [] : [.. Enumerable.Repeat(Window(), layers)];
        if (family == "llama") return [];
        var types = json.Texts("layer_types");
        if (types.Length == 0 && json.Flag("use_sliding_window", false))
        {
            var first = json.Whole("max_window_layers", least: 0, most: 1 << 14, otherwise: 28);
            types = [.. Enumerable.Range(0, layers).Select(i => i >= first ? "sliding_attention" : "full_attention")];
        }
        if (types.Length == 0) return [];
        if (types.Length != layers) throw json.Bad("layer_types", $"has {types.Length} entries for {layers} layers");
        if (types.FirstOrDefault(t => t is not ("sliding_attention" or "full_attention")) is { } other) throw json.Bad("layer_types", $"has '{other}'; supported: full_attention, sliding_attention");
        return types.Contains("sliding_attention") ? [.. types.Select(t => t == "sliding_attention" ? Window() : 0)] : [];
    }

    static int[] EndTokens(ConfigFile json, int vocabulary)
    {
        var ids = json.Ids("eos_token_id");
        var generation = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(json.Path))!, "generation_config.json");
        if (File.Exists(generation)) ids = ConfigFile.Open(generation).Ids("eos_token_id") ?? ids;
        return Array.FindAll(ids ?? [], id => id < vocabulary);
    }
}
