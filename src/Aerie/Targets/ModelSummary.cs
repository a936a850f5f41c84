// What a target's folder holds, without reading its weights: sizes, memory, and how its layers are numbered by servers.
using Aerie.Formats;

namespace Aerie.Targets;

/// <summary>A target, described. vLLM names an aux layer by its input (ours + 1), SGLang by its output (ours).</summary>
/// <param name="Config">The config.</param>
/// <param name="Parameters">Numbers in all tensors.</param>
/// <param name="BytesByType">Bytes of the tensors of each type on disk.</param>
public sealed record ModelSummary(TargetConfig Config, long Parameters, IReadOnlyDictionary<string, long> BytesByType)
{
    /// <summary>Reads config and headers of a Hugging Face folder.</summary>
    /// <exception cref="AerieException">It is no folder of a supported target.</exception>
    public static ModelSummary Read(string folder)
    {
        var config = TargetConfig.Read(folder);
        using var files = SafetensorsFolder.Open(folder);
        var bytes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        long parameters = 0;
        foreach (var entry in files.Entries)
        {
            parameters += entry.Count;
            bytes[entry.Type.FormatName()] = bytes.GetValueOrDefault(entry.Type.FormatName()) + entry.ByteLength;
        }
        return new(config, parameters, bytes);
    }

    /// <summary>Bytes of the weights on disk.</summary>
    public long WeightBytes => BytesByType.Values.Sum();

    /// <summary>Bytes that one token takes in the cache of keys and values (float32).</summary>
    public long CacheBytesPerToken => 2L * Config.Layers * Config.KeyValueHeads * Config.HeadSize * sizeof(float);

    /// <summary>Default aux layers as vLLM counts them.</summary>
    public IReadOnlyList<int> VllmAuxLayers => [.. Config.DefaultAuxLayers.Select(i => i + 1)];
}
