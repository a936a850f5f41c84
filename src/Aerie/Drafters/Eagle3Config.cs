// An EAGLE-3 drafter's config.json in every spelling of the field (Li et al. 2025, arXiv:2503.01840; EAGLE-3.1: fc_norm, norm_output).
// Traps: AutoModel leaves the target's num_hidden_layers, layer_types and sliding_window in it; `norm_output` means something else in SpecForge;
// speculators nest the transformer's fields and their norm_before_residual is true when absent; aux layer ids are outputs of layers in one place and one more in the other.
using Aerie.Targets;

namespace Aerie.Drafters;

/// <summary>Which code base wrote a drafter folder.</summary>
public enum Eagle3Layout
{
    /// <summary>As servers read it: vLLM, SGLang, and Aerie's own.</summary>
    Server,
    /// <summary>NeMo AutoModel.</summary>
    AutoModel,
    /// <summary>SpecForge.</summary>
    SpecForge,
    /// <summary>vLLM's speculators.</summary>
    Speculators,
}

/// <summary>Everything that decides an EAGLE-3 drafter's numbers, but its weights.</summary>
public sealed record Eagle3Config
{
    /// <summary>Width H of the drafter.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width Ht of the target's hidden states.</summary>
    public required int TargetHiddenSize { get; init; }

    /// <summary>Width of the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Size of one head; heads · size may differ from H.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Tokens V of the target.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Tokens Vd that the drafter can emit.</summary>
    public required int DraftVocabularySize { get; init; }

    /// <summary>Longest text.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Epsilon of every norm.</summary>
    public required float RmsNormEps { get; init; }

    /// <summary>How positions rotate.</summary>
    public required RopeConfig Rope { get; init; }

    /// <summary>How many aux layers are fused.</summary>
    public int AuxCount { get; init; } = 3;

    /// <summary>Layers of the drafter: as many as its file holds (num_hidden_layers is the target's in some).</summary>
    public int Layers { get; init; } = 1;

    /// <summary>Every head of q and of k is normed before it is rotated (Qwen3's form).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>No aux layers and no fc: the feature is the target's last hidden state, after its final norm.</summary>
    public bool LastHiddenOnly { get; init; }

    /// <summary>What this drafter is, where training does not have it; null: it can be trained.</summary>
    public string? NotTrained => Layers > 1 ? "drafters of more than one layer" : QueryKeyNorm ? "drafters with norms of queries and keys (Qwen3's form)"
        : LastHiddenOnly ? "drafters without aux hidden states (`use_aux_hidden_state: false`)" : null;

    /// <summary>The captured layers, as 0-based indices of the layers whose output is captured; null where the config does not say.</summary>
    public IReadOnlyList<int>? AuxLayers { get; init; }

    /// <summary>One RMSNorm per aux chunk before fc.</summary>
    public bool FcNorm { get; init; }

    /// <summary>One RMSNorm over all aux chunks together before fc.</summary>
    public bool NormBeforeFc { get; init; }

    /// <summary>The residual is the normed hidden state.</summary>
    public bool NormBeforeResidual { get; init; }

    /// <summary>The normed state feeds the next step.</summary>
    public bool NormOutput { get; init; }

    /// <summary>lm_head reads the normed state; false only in SpecForge's reading of <c>norm_output: false</c>.</summary>
    public bool NormedLogits { get; init; } = true;

    /// <summary>Keys that a row sees, itself included; null: all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The row of trainable embeddings that gets no gradient.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Width of the fused rows' input, A · Ht.</summary>
    public int AuxWidth => AuxCount * TargetHiddenSize;

    /// <summary>A drafter of the target's own width, as it is trained from nothing. Positions rotate as the target's do; where those are of a kind that drafters of Llama's form do not have
    /// (no rotation, a part of a head, two sets of factors), plainly with the target's base.</summary>
    /// <param name="t">The target.</param>
    /// <param name="draftVocabularySize">Tokens that the drafter can emit.</param>
    /// <param name="auxLayers">Captured layers; null: the target's default.</param>
    public static Eagle3Config For(TargetConfig t, int draftVocabularySize, IReadOnlyList<int>? auxLayers = null) => new()
    {
        HiddenSize = t.HiddenSize,
        TargetHiddenSize = t.HiddenSize,
        IntermediateSize = t.IntermediateSize,
        Heads = t.Heads,
        KeyValueHeads = t.KeyValueHeads,
        HeadSize = t.HeadSize,
        VocabularySize = t.VocabularySize,
        DraftVocabularySize = draftVocabularySize,
        MaxPositions = t.MaxPositions,
        RmsNormEps = t.RmsNormEps,
        Rope = t.Rope.ForDrafter,
        AuxCount = (auxLayers ?? t.DefaultAuxLayers).Count,
        AuxLayers = [.. (auxLayers ?? t.DefaultAuxLayers).Order()],
    };

    /// <summary>Reads a drafter's config.json (a file, or the folder that has one).</summary>
    /// <param name="path">The folder or file.</param>
    /// <param name="layout">Who wrote it where that is known; null: told from the config itself.</param>
    /// <exception cref="AerieException">A value is missing, of the wrong type, out of range, or does not fit another.</exception>
    /// <exception cref="MachineException">The drafter is of a kind that this version does not support.</exception>
    public static Eagle3Config Read(string path, Eagle3Layout? layout = null)
    {
        var top = ConfigFile.Open(path);
        var network = top.Object("transformer_layer_config") ?? top;
        var eagle = top.Object("eagle_config");
        var architectures = top.Texts("architectures");
        if (architectures.FirstOrDefault(a => a.Contains("eagle", StringComparison.OrdinalIgnoreCase) && !a.Contains("eagle3", StringComparison.OrdinalIgnoreCase)) is { } eagle1)
            throw new MachineException($"{top.Path}: this version does not support EAGLE-1 drafters ({eagle1}).");
        layout ??= network != top || top.Has("speculators_model_type") ? Eagle3Layout.Speculators
            : architectures.Contains("LlamaEagle3DraftModel") ? Eagle3Layout.AutoModel : Eagle3Layout.Server;
        var model = network.Text("model_type") ?? "llama";
        if (model is not ("llama" or "qwen3" or "qwen2")) throw network.Bad("model_type", $"is '{model}'; supported EAGLE-3 drafters are of Llama's form");
        if (network.Text("hidden_act") is { } act and not ("silu" or "swish")) throw network.Bad("hidden_act", $"is '{act}'; supported: silu");
        var lastHiddenOnly = eagle is not null && !eagle.Flag("use_aux_hidden_state", true);

        var hidden = network.Whole("hidden_size");
        var heads = network.Whole("num_attention_heads", most: 1 << 14);
        var keyHeads = network.Whole("num_key_value_heads", most: 1 << 14, otherwise: heads);
        if (heads % keyHeads != 0) throw network.Bad("num_key_value_heads", $"must divide num_attention_heads: {heads} heads cannot share {keyHeads}");
        if (!network.Has("head_dim") && hidden % heads != 0) throw network.Bad("num_attention_heads", $"must divide hidden_size {hidden} where head_dim is absent");
        var headSize = network.Whole("head_dim", most: 1 << 14, otherwise: model == "qwen3" ? 128 : hidden / heads);
        if (headSize % 2 != 0) throw network.Bad("head_dim", $"must be even to be rotated, not {headSize}");
        var vocabulary = network.Whole("vocab_size", most: 1 << 24);
        var positions = network.Whole("max_position_embeddings", most: int.MaxValue, otherwise: 2048);
        var auxLayers = lastHiddenOnly ? null : AuxLayersOf(top, eagle, layout.Value);
        var normOutput = top.Has("norm_output") ? top.Flag("norm_output", false) : layout == Eagle3Layout.SpecForge;
        var config = new Eagle3Config
        {
            HiddenSize = hidden,
            TargetHiddenSize = top.Whole("target_hidden_size", otherwise: hidden),
            IntermediateSize = network.Whole("intermediate_size", most: 1 << 22),
            Heads = heads,
            KeyValueHeads = keyHeads,
            HeadSize = headSize,
            VocabularySize = vocabulary,
            DraftVocabularySize = top.Whole("draft_vocab_size", most: vocabulary, otherwise: vocabulary),
            MaxPositions = positions,
            RmsNormEps = (float)network.Positive("rms_norm_eps", 1e-6, orZero: true),
            Rope = RopeConfig.Read(network, positions),
            AuxCount = lastHiddenOnly ? 1 : top.Whole("num_aux_hidden_states", most: 64, otherwise: auxLayers?.Length ?? 3),
            LastHiddenOnly = lastHiddenOnly,
            AuxLayers = auxLayers,
            FcNorm = top.Flag("fc_norm", top.Flag("use_aux_norm", false)),
            NormBeforeFc = top.Flag("norm_before_fc", eagle?.Flag("norm_before_fc", false) ?? false),
            NormBeforeResidual = top.Flag("norm_before_residual", layout == Eagle3Layout.Speculators),
            NormOutput = layout != Eagle3Layout.SpecForge && normOutput,
            NormedLogits = layout != Eagle3Layout.SpecForge || normOutput,
            SlidingWindow = layout != Eagle3Layout.AutoModel && network.Texts("layer_types").Contains("sliding_attention")
                ? network.Whole("sliding_window", most: int.MaxValue) : null,
            PadTokenId = network.Ids("pad_token_id") is [var pad] && pad < vocabulary ? pad : null,
        };
        if (auxLayers is not null && auxLayers.Length != config.AuxCount)
            throw top.Bad("num_aux_hidden_states", $"is {config.AuxCount}, but {auxLayers.Length} layers are listed");
        if (lastHiddenOnly && (config.FcNorm || config.NormBeforeFc || config.TargetHiddenSize != hidden))
            throw eagle!.Bad("use_aux_hidden_state", "is false: there is no fc, so no norm before it, and target_hidden_size must be hidden_size");
        if (config is { FcNorm: true, NormBeforeFc: true }) throw top.Bad("norm_before_fc", "and fc_norm exclude each other");
        return config;
    }

    // Nested ids are outputs of layers; ids at the top are one more (the input of the next layer), in speculators' files too.
    static int[]? AuxLayersOf(ConfigFile top, ConfigFile? eagle, Eagle3Layout layout)
    {
        const string Key = "eagle_aux_hidden_state_layer_ids";
        if (eagle?.Ids(Key) is { } nested) return nested;
        if (top.Ids(Key) is not { } ids) return null;
        if (layout == Eagle3Layout.Speculators || ids.All(id => id > 0)) return Array.ConvertAll(ids, id => id - 1);
        throw top.Bad(Key, "counts from 1: 0 is no layer's output");
    }
}
