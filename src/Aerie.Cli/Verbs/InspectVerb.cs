// `aerie inspect MODEL`: what a model folder holds, and how its layers are numbered by others.
using System.CommandLine;
using System.Globalization;
using Aerie.Drafters;
using Aerie.Hub;
using Aerie.Targets;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class InspectVerb
{
    static readonly Argument<string> Model = new("MODEL") { Description = "A target (Hugging Face folder), a drafter folder, a run folder, or org/name[@revision] of a hub." };

    static readonly Option<string?> AuxLayers = new("--aux-layers") { Description = "Layers whose output a drafter is to read: shown beside the default ones, with every engine's number for them.", HelpName = "2,26,48" };

    public static Command Create() => new Verb("inspect", "Show what a model folder holds: parts, layers and their numbers in every engine, memory. A folder with only config.json will do.",
        "aerie inspect assets/fledgling --aux-layers 2,6,11") { Model, AuxLayers }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var model = parsed.GetValue(Model)!;
        var folder = RecipeOptions.Local(model, ModelParts.Description, cancellation);          // a target's weights may be large, and are not needed
        if (!Directory.Exists(folder)) throw new AerieException($"{folder}: {(File.Exists(folder) ? "is a file, not a folder" : "no such folder.")}", folder.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(folder)
            ? "Expand it first: aerie import MODEL.gguf FOLDER." : "Give the folder of a model, the one with config.json, or org/name of a hub.");
        if (!File.Exists(Path.Combine(folder, "config.json")))
        {
            var run = folder;
            try
            {
                folder = RunFolder.FindDrafter(run);
            }
            catch (AerieException nothing) when (nothing.Message.Contains("no drafter there", StringComparison.Ordinal))
            {
                throw new AerieException($"{run}: has neither config.json nor a run's checkpoints.", "Give the folder of a model, the one with config.json, a run folder, or org/name of a hub.", nothing);
            }
        }
        var config = ConfigFile.Open(folder);
        if (!(config.Has("draft_vocab_size") || config.Has("speculators_model_type") || config.Texts("architectures").Any(a => a.Contains("Eagle", StringComparison.Ordinal))))
        {
            var summary = ModelSummary.Read(folder);
            TargetTable.Show(screen, folder, summary, Chosen(parsed, summary));
            return ExitCode.Done;
        }
        if (parsed.GetValue(AuxLayers) is not null) throw new AerieException($"{folder}: is a drafter, whose layers are chosen already", "--aux-layers goes with a target.");
        var facts = Drafter(RecipeOptions.Local(ModelFolder.IsId(model) ? model : folder, ModelParts.All, cancellation));
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

    // Layers that the user asks about must be there.
    static int[]? Chosen(ParseResult parsed, ModelSummary model)
    {
        if (parsed.GetValue(AuxLayers) is not { } text) return null;
        var layers = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (layers.Length == 0) throw new AerieException("--aux-layers: which layers?", $"Separate them by commas: --aux-layers {string.Join(",", model.Config.DefaultAuxLayers)}");
        return [.. Array.ConvertAll(layers, layer => int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var i) && i < model.Layers.Count ? i
            : throw new AerieException($"--aux-layers: '{layer}' is no layer of this target", $"Layers are 0 to {model.Layers.Count - 1}; separate them by commas: --aux-layers {string.Join(",", model.Config.DefaultAuxLayers)}")).Distinct().Order()];
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
}
