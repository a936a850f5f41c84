// The rest of the Hugging Face folder: config.json, generation_config.json and the prompt files.
using System.Text.Encodings.Web;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Fledgling;

internal static class ModelFolder
{
    static readonly JsonWriterOptions Readable = new() { Indented = true };
    static readonly JsonWriterOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void WriteConfig(string folder)
    {
        WriteJson(Path.Combine(folder, "config.json"), Readable, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("architectures");
            json.WriteStringValue("LlamaForCausalLM");
            json.WriteEndArray();
            json.WriteBoolean("attention_bias", false);
            json.WriteNumber("attention_dropout", 0.0);
            json.WriteNumber("bos_token_id", TokenizerFiles.Start);
            json.WriteNumber("eos_token_id", TokenizerFiles.End);
            json.WriteNumber("pad_token_id", TokenizerFiles.EndOfText);
            json.WriteString("hidden_act", "silu");
            json.WriteNumber("head_dim", FledglingShape.HeadDim);
            json.WriteNumber("hidden_size", FledglingShape.Hidden);
            json.WriteNumber("initializer_range", FledglingShape.EmbeddingDeviation);
            json.WriteNumber("intermediate_size", FledglingShape.Intermediate);
            json.WriteNumber("max_position_embeddings", FledglingShape.Context);
            json.WriteBoolean("mlp_bias", false);
            json.WriteString("model_type", "llama");
            json.WriteNumber("num_attention_heads", FledglingShape.Heads);
            json.WriteNumber("num_hidden_layers", FledglingShape.Layers);
            json.WriteNumber("num_key_value_heads", FledglingShape.KeyValueHeads);
            json.WriteNumber("rms_norm_eps", FledglingShape.NormEpsilon);
            json.WriteNull("rope_scaling");
            json.WriteNumber("rope_theta", FledglingShape.RopeTheta);
            json.WriteBoolean("tie_word_embeddings", true);
            json.WriteString("torch_dtype", "bfloat16");
            json.WriteBoolean("use_cache", true);
            json.WriteNumber("vocab_size", TokenizerFiles.VocabularySize);
            json.WriteEndObject();
        });
        WriteJson(Path.Combine(folder, "generation_config.json"), Readable, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("bos_token_id", TokenizerFiles.Start);
            json.WriteBoolean("do_sample", false);
            json.WriteNumber("eos_token_id", TokenizerFiles.End);
            json.WriteNumber("max_new_tokens", 160);
            json.WriteNumber("pad_token_id", TokenizerFiles.EndOfText);
            json.WriteEndObject();
        });
    }

    /// <summary>One conversation a line: its domain and the user's message.</summary>
    public static void WritePrompts(string path, IEnumerable<Example> examples) => WholeFile.Write(path, stream =>
    {
        foreach (Example example in examples)
        {
            using (var json = new Utf8JsonWriter(stream, Line))
            {
                json.WriteStartObject();
                json.WriteString("domain", example.Domain);
                json.WriteStartArray("messages");
                json.WriteStartObject();
                json.WriteString("role", "user");
                json.WriteString("content", example.Prompt);
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteEndObject();
            }
            stream.WriteByte((byte)'\n');
        }
    });

    public static void WriteJson(string path, JsonWriterOptions options, Action<Utf8JsonWriter> content) => WholeFile.Write(path, stream =>
    {
        using (var json = new Utf8JsonWriter(stream, options))
            content(json);
        stream.WriteByte((byte)'\n');
    });
}
