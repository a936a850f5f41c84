// A target as people read it in a terminal, and as programs read it.
using System.Globalization;
using System.Text.Json;
using Aerie.Targets;
using Aerie.Text;
using Aerie.Training;
using Spectre.Console;

namespace Aerie.Cli;

static class TargetTable
{
    const string Why = """
        An aux layer is named here by the 0-based index of the layer whose output is captured. SGLang uses the same number. vLLM counts what goes into layers, the embedding first, so it calls
        the output of layer i number i + 1. A drafter that is given its neighbour's states still runs and loses a third to two thirds of its acceptance, in silence: export writes both numbers.
        """;

    /// <summary>Shows the facts of a target, its parts and layers, and the aux layers that were asked for beside the default ones.</summary>
    public static void Show(Screen screen, string folder, ModelSummary model, IReadOnlyList<int>? chosen)
    {
        var memory = MemoryEstimate.For(model);
        var (tokenizer, template) = (TextSummary.TokenizerOf(folder), TextSummary.TemplateOf(folder));
        if (screen.Json) screen.Write(json => Write(json, model, memory, chosen, tokenizer, template));
        else Print(screen, model, memory, chosen, tokenizer, template);
    }

    static void Print(Screen screen, ModelSummary model, MemoryEstimate memory, IReadOnlyList<int>? chosen, string? tokenizer, string? template)
    {
        var c = model.Config;
        void Fact(string name, FormattableString text) => screen.Line($"{name,-22} {Text(text)}");
        Fact("kind", $"target{(model.HasWeights ? "" : ", config only: no safetensors lie beside it")}");
        Fact("architecture", $"{model.Architecture}, {c.Layers} layers");
        Fact("parameters", $"{model.Parameters:#,0}, {Size(model.WeightBytes)} ({string.Join(", ", model.Types)})");
        Fact("hidden size", $"{c.HiddenSize}; {c.Heads} heads, {c.KeyValueHeads} for keys and values, of {c.HeadSize}; MLP {c.IntermediateSize}");
        Fact("vocabulary", $"{c.VocabularySize:#,0}{(c.TiedEmbeddings ? ", the head is the embedding" : "")}");
        Fact("longest text", $"{c.MaxPositions:#,0} tokens");
        Fact("RoPE", c.Rope.Kind == "none" ? (FormattableString)$"none" : $"{c.Rope.Kind}, theta {c.Rope.Theta:#,0}{(c.Rope.Factor != 1 ? $", factor {c.Rope.Factor}" : "")}");
        Fact("tokenizer", $"{tokenizer ?? "none in this folder"}");
        Fact("chat template", $"{template ?? "none in this folder"}");
        Fact("memory to run", $"{Size(memory.ToRun)}: weights {Size(memory.Weights)}, a text of 4,096 tokens {Size(memory.CacheOf4096)}");
        Fact("memory to train", $"about {Size(memory.ToTrain)}: as above, a drafter of {memory.DrafterParameters / 1e6:0.#} M parameters {Size(memory.Drafter)}, a step over 1,024 tokens {Size(memory.Step)}; and {Size(memory.StatesPerToken)} for each token of data whose states are kept");

        var parts = Screen.Table("part", "parameters", "share", "bytes");
        for (var i = 1; i < 4; i++) parts.Columns[i].RightAligned();
        foreach (var part in model.Parts) parts.AddRow(part.Name, Text($"{part.Parameters:#,0}"), Text($"{(double)part.Parameters / model.Parameters:0.0%}"), Size(part.Bytes));
        screen.Show(parts);

        var layers = Screen.Table("layer", "pattern", "kind", "parameters", "aux", "vLLM", "SGLang");
        foreach (var i in (int[])[0, 3, 5, 6]) layers.Columns[i].RightAligned();
        foreach (var layer in model.Layers)
        {
            var aux = (c.DefaultAuxLayers.Contains(layer.Index), chosen?.Contains(layer.Index) == true) switch { (true, true) => "default, chosen", (true, false) => "default", (false, true) => "chosen", _ => "" };
            layers.AddRow(Text($"{layer.Index}"), layer.Letters, layer.Kind, Text($"{layer.Parameters:#,0}"), aux, Text($"{ModelSummary.InVllm(layer.Index)}"), Text($"{ModelSummary.InSglang(layer.Index)}"));
        }
        screen.Show(layers);
        Aux(screen, "default aux layers", c.DefaultAuxLayers);
        if (chosen is not null) Aux(screen, "chosen aux layers", chosen);
        screen.Line(Why);
    }

    static void Aux(Screen screen, string name, IReadOnlyList<int> layers)
        => screen.Line($"{name,-22} [{string.Join(", ", layers)}]; in vLLM [{string.Join(", ", layers.Select(ModelSummary.InVllm))}], in SGLang [{string.Join(", ", layers.Select(ModelSummary.InSglang))}]");

    static void Write(Utf8JsonWriter json, ModelSummary model, MemoryEstimate memory, IReadOnlyList<int>? chosen, string? tokenizer, string? template)
    {
        var c = model.Config;
        json.WriteStartObject();
        json.WriteString("kind", "target");
        json.WriteString("architecture", model.Architecture);
        json.WriteBoolean("has_weights", model.HasWeights);
        json.WriteNumber("parameters", model.Parameters);
        json.WriteNumber("weights_bytes", model.WeightBytes);
        json.WriteStartArray("dtypes");
        foreach (var type in model.Types) json.WriteStringValue(type);
        json.WriteEndArray();
        foreach (var (name, value) in ((string, long)[])[("layers", c.Layers), ("hidden_size", c.HiddenSize), ("intermediate_size", c.IntermediateSize), ("heads", c.Heads), ("key_value_heads", c.KeyValueHeads),
            ("head_size", c.HeadSize), ("vocabulary", c.VocabularySize), ("longest_text", c.MaxPositions), ("cache_bytes_per_token", model.CacheBytesPerToken)])
            json.WriteNumber(name, value);
        json.WriteBoolean("tied_embeddings", c.TiedEmbeddings);
        json.WriteString("rope", c.Rope.Kind);
        json.WriteNumber("rope_theta", c.Rope.Theta);
        json.WriteString("tokenizer", tokenizer);
        json.WriteString("chat_template", template);
        json.WriteStartArray("parts");
        foreach (var part in model.Parts)
        {
            json.WriteStartObject();
            json.WriteString("part", part.Name);
            json.WriteNumber("parameters", part.Parameters);
            json.WriteNumber("bytes", part.Bytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("layer_table");
        foreach (var layer in model.Layers)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", layer.Index);
            json.WriteString("pattern", layer.Letters);
            json.WriteString("kind", layer.Kind);
            json.WriteNumber("parameters", layer.Parameters);
            json.WriteNumber("vllm", ModelSummary.InVllm(layer.Index));
            json.WriteNumber("sglang", ModelSummary.InSglang(layer.Index));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        foreach (var (name, layers) in ((string, IReadOnlyList<int>?)[])[("default_aux_layers", c.DefaultAuxLayers), ("chosen_aux_layers", chosen)])
        {
            if (layers is null) continue;
            foreach (var (engine, number) in ((string, Func<int, int>)[])[("", i => i), ("_in_vllm", ModelSummary.InVllm), ("_in_sglang", ModelSummary.InSglang)])
            {
                json.WriteStartArray(name + engine);
                foreach (var layer in layers) json.WriteNumberValue(number(layer));
                json.WriteEndArray();
            }
        }
        json.WriteStartObject("memory_bytes");
        foreach (var (name, value) in ((string, long)[])[("to_run", memory.ToRun), ("weights", memory.Weights), ("text_of_4096_tokens", memory.CacheOf4096), ("to_train", memory.ToTrain), ("drafter", memory.Drafter),
            ("drafter_parameters", memory.DrafterParameters), ("step_of_1024_tokens", memory.Step), ("states_per_token", memory.StatesPerToken)])
            json.WriteNumber(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    internal static string Size(long bytes) => bytes >= 1 << 30 ? Text($"{bytes / (double)(1 << 30):0.00} GB") : bytes >= 1 << 20 ? Text($"{bytes / (double)(1 << 20):0.0} MB") : Text($"{bytes / 1024.0:0.#} kB");

    static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
