// Random tiny targets and drafters: nothing is trained, so guesses are mostly wrong, and every number depends on every weight.
using System.Runtime.InteropServices;
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Decoding;

static class TinyModels
{
    internal static Target Target(ulong seed, Precision precision, int layers = 3) => FromConfig($$"""
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": {{layers}}, "hidden_size": 48, "intermediate_size": 80, "num_attention_heads": 6,
         "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 50, "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": false}
        """, seed, precision);

    /// <summary>A target of any family: what its config asks for, drawn at random. Norms are near 1, matrices keep the size of what they multiply.</summary>
    internal static Target FromConfig(string json, ulong seed, Precision precision)
    {
        using var folder = new TemporaryFolder();
        WriteFolder(folder.Path, json, seed);
        return Aerie.Targets.Target.Load(folder.Path, precision);
    }

    /// <summary>Writes config.json and random weights that fit it.</summary>
    internal static void WriteFolder(string folder, string json, ulong seed)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), json);
        var config = TargetConfig.Read(folder);
        var table = new WeightTable(null, Precision.F32, name => name);
        config.Family.Build(config, table).Dispose();
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), table.Slots.Where(slot => !slot.Optional).Select(slot =>
        {
            using var values = Tensor.Allocate(new Shape((int)slot.Count));
            new CounterRandom(seed, slot.Name).FillNormal(values, slot.Shape.Count == 1 ? 0.1f : slot.Name.Contains("embed", StringComparison.Ordinal) ? 1 : 2 / MathF.Sqrt(slot.Shape[^1]));
            var numbers = values.ToArray();
            if (slot.Name.Contains("norm", StringComparison.Ordinal)) numbers = Array.ConvertAll(numbers, x => 1 + x);
            return new SafetensorsSource(slot.Name, SafetensorsType.F32, [.. slot.Shape.Select(n => (long)n)], MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray());
        }));
    }

    internal static Eagle3 Drafter(Target target, ulong seed, Precision precision)
    {
        var config = new Eagle3Config
        {
            HiddenSize = target.Config.HiddenSize, TargetHiddenSize = target.Config.HiddenSize, IntermediateSize = 64, Heads = 6, KeyValueHeads = 3, HeadSize = 8,
            VocabularySize = target.Config.VocabularySize, DraftVocabularySize = target.Config.VocabularySize, MaxPositions = 128, RmsNormEps = 1e-5f, Rope = new RopeConfig("default", 1e4), AuxLayers = [0, 1, 2],
        };
        return new Eagle3(config, DraftVocabulary.Full(config.VocabularySize), new Eagle3Use(false, false, precision), seed, target.Embedding, target.Head, deviation: 0.2f);
    }
}
