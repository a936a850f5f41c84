// What a target's folder holds, without reading its weights; a folder with nothing but config.json will do. The network is declared, not loaded: so parts, layers and their kinds are those that would run.
using Aerie.Formats;
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>One sort of weights of a target.</summary>
/// <param name="Name">embedding, attention, mlp, experts, router, mamba, norms or head.</param>
/// <param name="Parameters">Numbers.</param>
/// <param name="Bytes">Bytes on disk; without weights: what they would take in the config's dtype.</param>
public sealed record ModelPart(string Name, long Parameters, long Bytes);

/// <summary>One layer of a target.</summary>
/// <param name="Index">0-based; the number of its output as an aux layer.</param>
/// <param name="Letters">Its blocks in the letters of NemotronH's patterns: * attention, - MLP, E experts, M Mamba-2.</param>
/// <param name="Kind">Its blocks in words.</param>
/// <param name="Parameters">Numbers of its weights.</param>
public sealed record LayerSummary(int Index, string Letters, string Kind, long Parameters);

/// <summary>A target, described.</summary>
/// <param name="Config">The config.</param>
/// <param name="Architecture">Its name in the config.</param>
/// <param name="Parts">Its weights by sort, largest first.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Types">Element types on disk, or the config's dtype.</param>
/// <param name="HasWeights">Weights lie beside the config, and fit it.</param>
/// <param name="CacheBytesPerToken">Bytes that the cache keeps for one token.</param>
/// <param name="StateBytes">Bytes that recurrences keep for one text, however long.</param>
public sealed record ModelSummary(TargetConfig Config, string Architecture, IReadOnlyList<ModelPart> Parts, IReadOnlyList<LayerSummary> Layers, IReadOnlyList<string> Types, bool HasWeights, long CacheBytesPerToken, long StateBytes)
{
    /// <summary>Reads the config, and the headers of the weights if there are any.</summary>
    /// <exception cref="AerieException">It is no folder of a supported target, or its weights do not fit its config.</exception>
    public static ModelSummary Read(string folder)
    {
        var json = ConfigFile.Open(folder);
        var config = TargetConfig.Read(folder);
        using var files = File.Exists(System.IO.Path.Combine(folder, SafetensorsFolder.SingleFile)) || File.Exists(System.IO.Path.Combine(folder, SafetensorsFolder.IndexFile)) ? SafetensorsFolder.Open(folder) : null;
        var table = new WeightTable(files, Precision.F32, config.Family.Canonical);
        using var network = config.Family.Build(config, table);
        if (files is not null) table.Check();

        var dtype = json.Text("dtype") ?? json.Text("torch_dtype") ?? "float32";
        var size = dtype is "bfloat16" or "float16" ? 2 : 4;
        var layers = network.Layers.Select((layer, i) => new LayerSummary(i, layer.Letters, layer.Kind, 0)).ToArray();
        var parts = new Dictionary<string, ModelPart>();
        foreach (var slot in table.Slots.Where(s => !s.Optional))
        {
            var part = PartOf(slot);
            var old = parts.GetValueOrDefault(part, new ModelPart(part, 0, 0));
            parts[part] = new(part, old.Parameters + slot.Count, old.Bytes + (table.BytesOnDisk(slot.Name) ?? slot.Count * size));
            if (LayerOf(slot.Name) is { } i && i < layers.Length) layers[i] = layers[i] with { Parameters = layers[i].Parameters + slot.Count };
        }
        return new(config, TargetConfig.ArchitectureOf(json), [.. parts.Values.OrderByDescending(p => p.Parameters)], layers,
            files is null ? [dtype] : [.. files.Entries.Select(e => e.Type.FormatName()).Distinct().Order(StringComparer.Ordinal)], files is not null,
            sizeof(float) * network.Layers.Sum(layer => (long)layer.Parts.Sum(p => p.Block.CacheWidth)),
            sizeof(float) * network.Layers.Sum(layer => layer.Parts.Sum(p => p.Block.Remembers is { } shape ? shape.State + (long)shape.Lead * shape.Raw : 0)));
    }

    /// <summary>Numbers in all weights.</summary>
    public long Parameters => Parts.Sum(p => p.Parameters);

    /// <summary>Bytes of the weights on disk.</summary>
    public long WeightBytes => Parts.Sum(p => p.Bytes);

    /// <summary>The number that vLLM has for the output of our layer: it counts what goes into layers, the embedding first.</summary>
    public static int InVllm(int layer) => layer + 1;

    /// <summary>The number that SGLang has for the output of our layer: ours.</summary>
    public static int InSglang(int layer) => layer;

    // By the names that families give their tensors. Some families call every block of a layer `mixer`.
    static string PartOf(WeightSlot slot)
    {
        bool Has(params ReadOnlySpan<string> words)
        {
            foreach (var word in words)
                if (slot.Name.Contains(word, StringComparison.Ordinal)) return true;
            return false;
        }
        return Has("embed") ? "embedding" : Has("lm_head") ? "head"
            : Has("expert", "fc1_latent", "fc2_latent") ? "experts"
            : Has("router", "mlp.gate.", "moe.gate.", "mixer.gate.") ? "router"
            : Has("A_log", "conv1d", "dt_bias", "in_proj", "out_proj", "mixer.D", "mixer.norm") ? "mamba"
            : Has("_attn", "q_proj", "k_proj", "v_proj", "o_proj") ? "attention"
            : Has("mlp", "up_proj", "down_proj") ? "mlp"
            : "norms";
    }

    static int? LayerOf(string name)
    {
        var parts = name.Split('.');
        var at = Array.IndexOf(parts, "layers");
        return at >= 0 && at + 1 < parts.Length && int.TryParse(parts[at + 1], out var i) && i >= 0 ? i : null;
    }
}
