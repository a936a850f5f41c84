// Mistral (arXiv:2310.06825): Llama whose layers all see a window of keys, 4096 where the config does not say (null: none). No biases. Names as Llama.
namespace Aerie.Targets.Families;

static class Mistral
{
    internal static readonly TargetFamily Family = new("MistralForCausalLM", "mistral", Read, Llama.Build);

    static TargetConfig Read(ConfigFile json)
    {
        var config = TargetConfig.Read(json, Family, new TargetDefaults { MaxPositions = 131072 });
        return config with { Windows = json.IsNull("sliding_window") ? [] : [.. Enumerable.Repeat(json.Whole("sliding_window", most: int.MaxValue, otherwise: 4096), config.Layers)] };
    }
}
