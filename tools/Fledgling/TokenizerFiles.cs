// tokenizer.json and tokenizer_config.json as the Hugging Face libraries write and read them.
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Aerie.Fledgling;

internal static class TokenizerFiles
{
    public const int VocabularySize = 2048, EndOfText = 0, Start = 1, End = 2;

    static readonly string[] Specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

    /// <summary>ChatML: every message between a start and an end mark, roles in plain words, no default system message.</summary>
    public const string ChatTemplate =
        "{%- for message in messages -%}" +
        "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}" +
        "{%- endfor -%}" +
        "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

    static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Trains on <paramref name="examples"/> conversations and writes both files.</summary>
    public static void Make(string folder, ulong seed, int examples)
    {
        var trainer = new BytePairTrainer();
        var corpus = new Corpus(Side.Training, seed);
        for (int i = 0; i < examples; i++)
        {
            Example example = corpus.Next();
            trainer.Add("user\n" + example.Prompt);
            trainer.Add("assistant\n" + example.Answer);
        }
        List<(string Left, string Right)> merges = trainer.Merges(VocabularySize - Specials.Length - 256);
        ModelFolder.WriteJson(Path.Combine(folder, "tokenizer.json"), Readable, json => Tokenizer(json, merges));
        ModelFolder.WriteJson(Path.Combine(folder, "tokenizer_config.json"), Readable, Config);
    }

    static void Tokenizer(Utf8JsonWriter json, List<(string Left, string Right)> merges)
    {
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        for (int id = 0; id < Specials.Length; id++)
        {
            json.WriteStartObject();
            json.WriteNumber("id", id);
            json.WriteString("content", Specials[id]);
            foreach (string flag in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip", "normalized"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        json.WriteStartObject();
        json.WriteString("type", "Digits");
        json.WriteBoolean("individual_digits", true);
        json.WriteEndObject();
        ByteLevel(json, null);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("post_processor");
        ByteLevel(json, "decoder");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        foreach (string nothing in (ReadOnlySpan<string>)["dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"])
            json.WriteNull(nothing);
        foreach (string flag in (ReadOnlySpan<string>)["fuse_unk", "byte_fallback", "ignore_merges"])
            json.WriteBoolean(flag, false);
        json.WriteStartObject("vocab");
        int next = 0;
        foreach (string token in Specials.Concat(BytePairTrainer.ByteSymbols().Order(StringComparer.Ordinal)).Concat(merges.Select(pair => pair.Left + pair.Right)))
            json.WriteNumber(token, next++);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach ((string left, string right) in merges)
        {
            json.WriteStartArray();
            json.WriteStringValue(left);
            json.WriteStringValue(right);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    static void ByteLevel(Utf8JsonWriter json, string? property)
    {
        if (property is null)
            json.WriteStartObject();
        else
            json.WriteStartObject(property);
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", true);
        json.WriteEndObject();
    }

    static void Config(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartObject("added_tokens_decoder");
        for (int id = 0; id < Specials.Length; id++)
        {
            json.WriteStartObject(id.ToString(System.Globalization.CultureInfo.InvariantCulture));
            json.WriteString("content", Specials[id]);
            foreach (string flag in (ReadOnlySpan<string>)["lstrip", "normalized", "rstrip", "single_word"])
                json.WriteBoolean(flag, false);
            json.WriteBoolean("special", true);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteString("bos_token", Specials[Start]);
        json.WriteString("eos_token", Specials[End]);
        json.WriteString("pad_token", Specials[EndOfText]);
        json.WriteString("unk_token", Specials[EndOfText]);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteBoolean("add_prefix_space", false);
        json.WriteNumber("model_max_length", FledglingShape.Context);
        json.WriteString("chat_template", ChatTemplate);
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteEndObject();
    }
}
