// `aerie inspect MODEL`: what a model folder holds, and how its layers are numbered by others.
using System.CommandLine;
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class InspectVerb
{
    static readonly Argument<string> Model = new("MODEL") { Description = "A target (Hugging Face folder), a drafter folder, or a run folder." };

    public static Command Create() => new Verb("inspect", "Show what a model folder holds: sizes, memory, layers.", "aerie inspect assets/fledgling") { Model }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var folder = parsed.GetValue(Model)!;
        if (!Directory.Exists(folder)) throw new AerieException($"{folder}: no such folder.", "Give the folder of a model, the one with config.json.");
        if (!File.Exists(Path.Combine(folder, "config.json"))) folder = RunFolder.FindDrafter(folder);
        var config = ConfigFile.Open(folder);
        var facts = config.Has("draft_vocab_size") || config.Has("speculators_model_type") || config.Texts("architectures").Any(a => a.Contains("Eagle", StringComparison.Ordinal))
            ? Drafter(folder) : Target(folder);
        if (screen.Json)
        {
            screen.Write(json =>
            {
                json.WriteStartObject();
                foreach (var (name, _, value) in facts)
                    if (value is IEnumerable<int> list)
                    {
                        json.WriteStartArray(name);
                        foreach (var item in list) json.WriteNumberValue(item);
                        json.WriteEndArray();
                    }
                    else if (value is long or int) json.WriteNumber(name, Convert.ToInt64(value, null));
                    else if (value is bool yes) json.WriteBoolean(name, yes);
                    else json.WriteString(name, value.ToString());
                json.WriteEndObject();
            });
            return ExitCode.Done;
        }
        foreach (var (name, text, _) in facts) screen.Line($"{name.Replace('_', ' '),-28} {text}");
        return ExitCode.Done;
    }

    static List<(string Name, string Text, object Value)> Target(string folder)
    {
        var model = ModelSummary.Read(folder);
        var c = model.Config;
        return
        [
            Fact("kind", "target"),
            Fact("architecture", TargetConfig.ArchitectureOf(ConfigFile.Open(folder))),
            Fact("layers", c.Layers),
            Fact("hidden_size", c.HiddenSize),
            Fact("intermediate_size", c.IntermediateSize),
            Fact("heads", c.Heads),
            Fact("key_value_heads", c.KeyValueHeads),
            Fact("head_size", c.HeadSize),
            Fact("vocabulary", c.VocabularySize),
            Fact("tied_embeddings", c.TiedEmbeddings),
            Fact("query_key_norm", c.QueryKeyNorm),
            Fact("windowed_layers", c.Windows.Count(w => w > 0), c.Windows.Any(w => w > 0) ? $"{c.Windows.Count(w => w > 0)}, a window of {c.Windows.Max()} tokens" : "none"),
            Fact("longest_text", c.MaxPositions, $"{c.MaxPositions} tokens"),
            Fact("rope", c.Rope.Kind, $"{c.Rope.Kind}, theta {c.Rope.Theta:0}"),
            Fact("parameters", model.Parameters, $"{model.Parameters:#,0}"),
            Fact("weights_bytes", model.WeightBytes, $"{Size(model.WeightBytes)} ({string.Join(", ", model.BytesByType.Select(t => $"{t.Key} {Size(t.Value)}"))})"),
            Fact("cache_bytes_per_token", model.CacheBytesPerToken, Size(model.CacheBytesPerToken)),
            Fact("default_aux_layers", c.DefaultAuxLayers, $"{List(c.DefaultAuxLayers)}: captured for a drafter, 0-based, outputs"),
            Fact("aux_layers_in_vllm", model.VllmAuxLayers, $"{List(model.VllmAuxLayers)}: ours + 1"),
            Fact("aux_layers_in_sglang", c.DefaultAuxLayers, $"{List(c.DefaultAuxLayers)}: ours"),
        ];
    }

    static List<(string Name, string Text, object Value)> Drafter(string folder)
    {
        using var weights = Eagle3Weights.Open(folder);
        var c = weights.Config;
        var facts = new List<(string, string, object)>
        {
            Fact("kind", "drafter"),
            Fact("folder", folder),
            Fact("architecture", c.FcNorm || c.NormOutput ? "EAGLE-3.1" : "EAGLE-3"),
            Fact("layers", c.Layers),
            Fact("query_key_norm", c.QueryKeyNorm),
            Fact("last_hidden_state_only", c.LastHiddenOnly),
            Fact("hidden_size", c.HiddenSize),
            Fact("target_hidden_size", c.TargetHiddenSize),
            Fact("intermediate_size", c.IntermediateSize),
            Fact("heads", c.Heads),
            Fact("key_value_heads", c.KeyValueHeads),
            Fact("head_size", c.HeadSize),
            Fact("vocabulary", c.VocabularySize),
            Fact("draft_vocabulary", c.DraftVocabularySize),
            Fact("longest_text", c.MaxPositions, $"{c.MaxPositions} tokens"),
            Fact("fc_norm", c.FcNorm),
            Fact("norm_output", c.NormOutput),
            Fact("own_embedding", weights.Has("embed_tokens.weight")),
        };
        if (c.AuxLayers is { } aux)
        {
            facts.Add(Fact("aux_layers", aux, $"{List(aux)}: 0-based, outputs"));
            facts.Add(Fact("aux_layers_in_vllm", aux.Select(i => i + 1).ToArray(), $"{List(aux.Select(i => i + 1))}: ours + 1"));
            facts.Add(Fact("aux_layers_in_sglang", aux, $"{List(aux)}: ours"));
        }
        return facts;
    }

    static (string, string, object) Fact(string name, object value, string? text = null) => (name, text ?? (value is bool yes ? yes ? "yes" : "no" : $"{value}"), value);

    static string List(IEnumerable<int> list) => $"[{string.Join(", ", list)}]";

    static string Size(long bytes) => bytes >= 1 << 30 ? $"{bytes / (double)(1 << 30):0.00} GB" : bytes >= 1 << 20 ? $"{bytes / (double)(1 << 20):0.0} MB" : $"{bytes / 1024.0:0.#} kB";
}
