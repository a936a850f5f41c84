// GGUF files carry no patterns, only a name (tokenizer.ggml.pre) that llama.cpp gave to a family's pre-tokenizer. Here is what each name stands for, as the family's
// own tokenizer.json has it. A name that is not here is refused: ids would be wrong in ways that nobody sees.
using System.Text.Json;

namespace Aerie.Import;

/// <summary>The pre-tokenizer of a byte-level family.</summary>
/// <param name="Names">llama.cpp's names.</param>
/// <param name="Splits">Patterns, each isolating its matches, one after the other.</param>
/// <param name="Digits">Every digit by itself, before all else.</param>
/// <param name="ByteLevelSplits">GPT-2's own pattern, built into the byte-level step.</param>
/// <param name="Nfc">Text is brought into NFC first.</param>
/// <param name="IgnoreMerges">A whole piece that is in the vocabulary is not merged together.</param>
/// <param name="Begins">A text begins with bos where the file does not say.</param>
sealed record GgufPattern(string[] Names, string[] Splits, bool Digits = false, bool ByteLevelSplits = false, bool Nfc = false, bool IgnoreMerges = false, bool Begins = false)
{
    const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
    const string Spaces = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    const string Words = Contractions + @"[^\r\n\p{L}\p{N}]?\p{L}+|";
    const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

    static readonly GgufPattern[] All =
    [
        new(["llama-bpe", "llama3", "llama-v3"], [Words + @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces], IgnoreMerges: true, Begins: true),
        new(["smaug-bpe"], [Words + @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces]),
        new(["qwen2", "deepseek-r1-qwen"], [Words + @"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + Spaces], Nfc: true),
        new(["tekken"], [$@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|" + Spaces], IgnoreMerges: true, Begins: true),
        new(["deepseek-v3"], [@"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + Spaces]),
        new(["smollm", "starcoder", "refact"], [], Digits: true, ByteLevelSplits: true),
        new(["gpt-2", "phi-2"], [], ByteLevelSplits: true),
    ];

    internal static string Known => string.Join(", ", All.SelectMany(p => p.Names));

    internal static GgufPattern? Find(string name) => Array.Find(All, p => p.Names.Contains(name));

    /// <summary>Writes `normalizer` and `pre_tokenizer`.</summary>
    internal void Write(Utf8JsonWriter json)
    {
        if (Nfc)
        {
            json.WriteStartObject("normalizer");
            json.WriteString("type", "NFC");
            json.WriteEndObject();
        }
        else json.WriteNull("normalizer");
        json.WriteStartObject("pre_tokenizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("pretokenizers");
        if (Digits)
        {
            json.WriteStartObject();
            json.WriteString("type", "Digits");
            json.WriteBoolean("individual_digits", true);
            json.WriteEndObject();
        }
        foreach (var split in Splits)
        {
            json.WriteStartObject();
            json.WriteString("type", "Split");
            json.WriteStartObject("pattern");
            json.WriteString("Regex", split);
            json.WriteEndObject();
            json.WriteString("behavior", "Isolated");
            json.WriteBoolean("invert", false);
            json.WriteEndObject();
        }
        json.WriteStartObject();
        WriteByteLevel(json, ByteLevelSplits);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The fields of the byte-level step, of the pre-tokenizer and of the decoder.</summary>
    internal static void WriteByteLevel(Utf8JsonWriter json, bool splits)
    {
        json.WriteString("type", "ByteLevel");
        json.WriteBoolean("add_prefix_space", false);
        json.WriteBoolean("trim_offsets", true);
        json.WriteBoolean("use_regex", splits);
    }
}
