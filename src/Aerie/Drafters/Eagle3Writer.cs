// A drafter's folder as vLLM and SGLang load it: names without `model.`, num_hidden_layers its own, every flag written, RoPE in both spellings.
// Aux layer ids: at the top as inputs of layers (ours + 1, vLLM reads these), in eagle_config as outputs (ours, SGLang reads those).
using System.Buffers.Binary;
using System.Text.Json;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Drafters;

/// <summary>Writes config.json and model.safetensors of a drafter.</summary>
public static class Eagle3Writer
{
    /// <summary>Writes both files into a folder that exists.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="drafter">The drafter. An embedding that is the target's is left out: servers take the target's then.</param>
    /// <param name="dtype">F32 or BF16.</param>
    public static void Write(string folder, Eagle3 drafter, DType dtype)
    {
        WholeFile.Write(Path.Combine(folder, "config.json"), stream => WriteConfig(stream, drafter, dtype));
        SafetensorsWriter.Write(Path.Combine(folder, SafetensorsFolder.SingleFile), Tensors(drafter, dtype), new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>The tensors of model.safetensors.</summary>
    public static IEnumerable<SafetensorsSource> Tensors(Eagle3 drafter, DType dtype)
    {
        foreach (var part in drafter.Parts) yield return Source(part.Name, part.Of(part.Parameter.Value), dtype);
        var vocabulary = drafter.Vocabulary;
        if (vocabulary.Size == vocabulary.TargetVocabSize && IsIdentity(vocabulary.D2T)) yield break;      // vLLM refuses d2t when Vd = V
        yield return new("d2t", SafetensorsType.I64, [vocabulary.Size], Bytes(vocabulary.D2T));
        yield return new("t2d", SafetensorsType.Bool, [vocabulary.TargetVocabSize], Array.ConvertAll(vocabulary.T2D.ToArray(), there => there ? (byte)1 : (byte)0));
    }

    /// <summary>A tensor of ours to be written as f32 or bf16.</summary>
    public static SafetensorsSource Source(string name, Tensor tensor, DType dtype)
    {
        long[] shape = tensor.Shape.Rank == 1 ? [tensor.Cols] : [tensor.Rows, tensor.Cols];
        var type = dtype == DType.BF16 ? SafetensorsType.BF16 : SafetensorsType.F32;
        return new(name, type, shape, stream =>
        {
            if (tensor.DType == dtype)
            {
                tensor.CopyBytesTo(stream);
                return;
            }
            const int Piece = 1 << 20;
            using var converted = Tensor.Allocate(new Shape((int)Math.Min(Piece, tensor.Count)), dtype);
            var flat = tensor.Reshape(new Shape(checked((int)tensor.Count)));
            for (var begin = 0; begin < flat.Cols; begin += Piece)
            {
                var part = converted.Slice(0, Math.Min(Piece, flat.Cols - begin));
                part.CopyFrom(flat.Slice(begin, part.Cols));
                part.CopyBytesTo(stream);
            }
        });
    }

    static void WriteConfig(Stream stream, Eagle3 drafter, DType dtype)
    {
        var c = drafter.Config;
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        Strings(json, "architectures", c.QueryKeyNorm ? "Eagle3Qwen3ForCausalLM" : "LlamaForCausalLMEagle3");
        json.WriteString("model_type", c.QueryKeyNorm ? "qwen3" : "llama");
        foreach (var (name, value) in ((string, int)[])[("hidden_size", c.HiddenSize), ("intermediate_size", c.IntermediateSize), ("num_hidden_layers", c.Layers),
            ("num_attention_heads", c.Heads), ("num_key_value_heads", c.KeyValueHeads), ("head_dim", c.HeadSize), ("vocab_size", c.VocabularySize), ("max_position_embeddings", c.MaxPositions)])
            json.WriteNumber(name, value);
        json.WriteString("hidden_act", "silu");
        json.WriteNumber("rms_norm_eps", (double)(decimal)c.RmsNormEps);
        json.WriteBoolean("attention_bias", drafter.AttentionInBias is not null);
        json.WriteBoolean("mlp_bias", drafter.GateUpBias is not null);
        WriteRope(json, c.Rope);
        json.WriteBoolean("tie_word_embeddings", false);
        json.WriteString("torch_dtype", dtype == DType.BF16 ? "bfloat16" : "float32");
        if (c.PadTokenId is { } pad) json.WriteNumber("pad_token_id", pad);
        else json.WriteNull("pad_token_id");
        if (c.SlidingWindow is { } window)
        {
            json.WriteNumber("sliding_window", window);
            Strings(json, "layer_types", [.. Enumerable.Repeat("sliding_attention", c.Layers)]);
        }
        json.WriteNumber("draft_vocab_size", c.DraftVocabularySize);
        json.WriteNumber("target_hidden_size", c.TargetHiddenSize);
        if (!c.LastHiddenOnly) json.WriteNumber("num_aux_hidden_states", c.AuxCount);
        if (c.AuxLayers is { } layers) Numbers(json, "eagle_aux_hidden_state_layer_ids", layers.Select(l => l + 1));
        json.WriteStartObject("eagle_config");
        if (c.AuxLayers is { } outputs) Numbers(json, "eagle_aux_hidden_state_layer_ids", outputs);
        json.WriteBoolean("use_aux_hidden_state", !c.LastHiddenOnly);
        json.WriteEndObject();
        json.WriteBoolean("norm_before_residual", c.NormBeforeResidual);
        json.WriteBoolean("norm_before_fc", c.NormBeforeFc);
        json.WriteBoolean("fc_norm", c.FcNorm);
        json.WriteBoolean("norm_output", c.NormOutput);
        json.WriteEndObject();
    }

    static void WriteRope(Utf8JsonWriter json, RopeConfig rope)
    {
        json.WriteNumber("rope_theta", rope.Theta);
        if (rope.Kind == "default") json.WriteNull("rope_scaling");
        else Object("rope_scaling", false);
        Object("rope_parameters", true);

        void Object(string name, bool withTheta)
        {
            json.WriteStartObject(name);
            json.WriteString("rope_type", rope.Kind);
            if (withTheta) json.WriteNumber("rope_theta", rope.Theta);
            if (rope.Kind != "default") json.WriteNumber("factor", rope.Factor);
            if (rope.Kind is "llama3" or "yarn") json.WriteNumber("original_max_position_embeddings", (long)rope.OriginalLength);
            if (rope.Kind == "llama3")
            {
                json.WriteNumber("low_freq_factor", rope.LowFrequencyFactor);
                json.WriteNumber("high_freq_factor", rope.HighFrequencyFactor);
            }
            if (rope.Kind == "yarn")
            {
                json.WriteNumber("beta_fast", rope.BetaFast);
                json.WriteNumber("beta_slow", rope.BetaSlow);
                json.WriteBoolean("truncate", rope.Truncate);
                json.WriteNumber("attention_factor", rope.AttentionScale);
            }
            json.WriteEndObject();
        }
    }

    static void Strings(Utf8JsonWriter json, string name, params ReadOnlySpan<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    static void Numbers(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    static bool IsIdentity(ReadOnlySpan<long> d2t) => d2t.IndexOfAnyExcept(0) < 0;

    static byte[] Bytes(ReadOnlySpan<long> values)
    {
        var bytes = new byte[8 * values.Length];
        for (var i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * i), values[i]);
        return bytes;
    }
}
