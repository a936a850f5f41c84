// Text that looks like English to a tokenizer, always the same: words of syllables whose frequencies fall as Zipf's law says, sentences,
// paragraphs, numbers, a few signs outside ASCII. And a byte-level BPE vocabulary trained on its words, as a tokenizer.json.
using System.Text;
using System.Text.Json;

namespace Aerie.Benchmarks;

sealed class GeneratedEnglish
{
    const int Types = 200_000;
    const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    static readonly string[] Onsets = "t s w h b c m p f d l r n g k st th ch sh tr pr gr br pl cl fr sp v j qu wh str cr dr fl bl".Split(' ');
    static readonly string[] Vowels = "e a o i u ea ou ee ai y io oo ie".Split(' ');
    static readonly string[] Codas = "n t r s d l m nd st ng ck nt rs ss ll rt p k ve ce te gh x ".Split(' ');
    static readonly string[] Endings = ["ed", "ing", "s", "er", "ly", "tion", "al", "ment", "able", "ness", "es", "ity"];

    readonly Random random = new(20);
    readonly string[] words = new string[Types];
    readonly double[] cumulated = new double[Types];

    internal GeneratedEnglish()
    {
        var (seen, total) = (new HashSet<string>(), 0.0);
        for (var rank = 0; rank < Types;)
        {
            var word = Word(rank);
            if (!seen.Add(word)) continue;
            words[rank] = word;
            total += Frequency(rank);
            cumulated[rank++] = total;
        }
    }

    static double Frequency(int rank) => Math.Pow(rank + 2.7, -1.05);

    // Frequent words are short.
    string Word(int rank)
    {
        var word = new StringBuilder();
        var syllables = rank < 200 ? 1 : rank < 4000 ? random.Next(1, 3) : random.Next(2, 4);
        for (var i = 0; i < syllables; i++)
        {
            if (i == 0 && random.Next(4) > 0 || i > 0) word.Append(Onsets[Skewed(Onsets.Length)]);
            word.Append(Vowels[Skewed(Vowels.Length)]);
            if (i == syllables - 1 || random.Next(3) == 0) word.Append(Codas[Skewed(Codas.Length)]);
        }
        if (rank >= 1000 && random.Next(3) == 0) word.Append(Endings[random.Next(Endings.Length)]);
        if (rank >= 2000 && random.Next(8) == 0) word[0] = char.ToUpperInvariant(word[0]);
        return word.ToString();
    }

    int Skewed(int count) => (int)(count * random.NextDouble() * random.NextDouble());

    /// <summary>A text of about so many bytes of UTF-8.</summary>
    internal string Text(int bytes, int seed)
    {
        var (dice, text) = (new Random(seed), new StringBuilder(bytes + 100));
        while (text.Length < bytes)
        {
            var length = dice.Next(4, 24);
            for (var i = 0; i < length; i++)
            {
                var word = words[Math.Min(Types - 1, ~Array.BinarySearch(cumulated, dice.NextDouble() * cumulated[^1]) & int.MaxValue)];
                if (i > 0) text.Append(' ');
                switch (dice.Next(200))
                {
                    case 0 or 1: text.Append(dice.Next(3000)); break;
                    case 2 or 3: text.Append(word).Append("'s"); break;
                    case 4 or 5: text.Append('"').Append(word).Append('"'); break;
                    case 6: text.Append('(').Append(word).Append(')'); break;
                    case 7: text.Append("café – naïve"); break;
                    default: text.Append(i == 0 ? char.ToUpperInvariant(word[0]) + word[1..] : word); break;
                }
                if (i < length - 1 && dice.Next(12) == 0) text.Append(',');
            }
            text.Append(dice.Next(10) == 0 ? "?" : ".").Append(dice.Next(6) == 0 ? "\n\n" : " ");
        }
        return text.ToString();
    }

    /// <summary>Writes a tokenizer.json with so many tokens, Llama-3's pattern and its special tokens' form.</summary>
    internal void WriteTokenizer(string file, int tokens)
    {
        // The words as they are met: mostly after a space, which byte-level vocabularies write as Ġ.
        var merges = BpeTrainer.Train([.. words.Select((word, rank) => ("Ġ" + word, (long)(1e9 * Frequency(rank))))], tokens - 256);
        using var stream = File.Create(file);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteStartArray("added_tokens");
        json.WriteRawValue($$"""{"id":{{tokens}},"content":"<|begin_of_text|>","special":true}""");
        json.WriteRawValue($$"""{"id":{{tokens + 1}},"content":"<|eot_id|>","special":true}""");
        json.WriteEndArray();
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue($$"""
            {"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"{{JsonEncodedText.Encode(Llama3)}}"},"behavior":"Isolated","invert":false},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
            """);
        json.WritePropertyName("decoder");
        json.WriteRawValue("""{"type":"ByteLevel"}""");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteBoolean("ignore_merges", true);
        json.WriteStartObject("vocab");
        var id = 0;
        for (var b = 0; b < 256; b++) json.WriteNumber(Aerie.Text.ByteAlphabet.Character((byte)b).ToString(), id++);
        foreach (var (left, right) in merges) json.WriteNumber(left + right, id++);
        json.WriteEndObject();
        json.WriteStartArray("merges");
        foreach (var (left, right) in merges)
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
}
