// The families of targets. Each has a file: what it changes about Llama and where that was published, how its config.json is read (defaults are those of transformers where the field has
// one), and the names that its weights have on disk.
namespace Aerie.Targets.Families;

/// <summary>How targets of one architecture are read and put together.</summary>
/// <param name="Architecture">Its name in `architectures`.</param>
/// <param name="ModelType">Its name in `model_type`.</param>
/// <param name="Read">Reads a config.json.</param>
/// <param name="Build">Declares the weights, by name and shape, and makes the blocks.</param>
sealed record TargetFamily(string Architecture, string ModelType, Func<ConfigFile, TargetConfig> Read, Func<TargetConfig, WeightTable, Network> Build)
{
    /// <summary>The name that <see cref="Build"/> uses for a tensor's name on disk; null: the tensor is of no use.</summary>
    internal Func<string, string?> Canonical { get; init; } = name => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) ? null : name;

    /// <summary>All families, in the order in which people are told of them.</summary>
    internal static IReadOnlyList<TargetFamily> All => all ??=
    [
        Llama.Family, Qwen2.Family, Qwen3.Family, Mistral.Family,
        Phi3.Family, Gemma2.Family, Gemma3.Family, Gemma3.WithPictures, Olmo2.Family, Granite.Family,
        Mixtral.Family, Qwen3Moe.Family, GptOss.Family, DeepseekV3.Family,
        NemotronH.Family,
    ];

    static IReadOnlyList<TargetFamily>? all;                  // made at the first use: families are static fields that need this type first
}
