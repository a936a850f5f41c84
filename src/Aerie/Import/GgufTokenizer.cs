// tokenizer.json, tokenizer_config.json and the ids of config.json from a GGUF file's keys tokenizer.*.
//   gpt2: byte-level BPE; the file has tokens and merges, the pattern is known by name (GgufPattern).
//   llama: SentencePiece BPE; the file has tokens and scores. SentencePiece joins the neighbours whose whole has the best score, so the merges are
//   all ways to cut a token into two tokens, by the token's score (as transformers' converter lists them).
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Import;

sealed class GgufTokenizer
{
    const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;
    const char Space = '▁';

    readonly GgufFile keys;
    readonly string[] tokens;
    readonly long[] kinds;
    readonly Dictionary<string, int> vocabulary = [];
    readonly List<(string Left, string Right)> merges;
    readonly GgufPattern? pattern;
    readonly int? unknown;
    readonly bool begins, ends;
    readonly string? whole;

    /// <param name="keys">The file.</param>
    /// <param name="rows">Rows of the embedding table.</param>
    internal GgufTokenizer(GgufFile keys, long rows)
    {
        this.keys = keys;
        Model = keys.Text("tokenizer.ggml.model") ?? throw keys.Bad("has no key 'tokenizer.ggml.model'", "A model without its tokenizer cannot be imported.");
        if (Model is not ("gpt2" or "llama")) throw keys.Bad($"the tokenizer '{Model}' is not supported", "Supported: gpt2 (byte-level BPE) and llama (SentencePiece BPE).");
        tokens = keys.Texts("tokenizer.ggml.tokens", most: rows) ?? throw keys.Bad("has no key 'tokenizer.ggml.tokens'");
        kinds = keys.Wholes("tokenizer.ggml.token_type", most: tokens.Length) ?? [.. Enumerable.Repeat((long)Normal, tokens.Length)];
        if (kinds.Length != tokens.Length) throw keys.Bad($"has {tokens.Length} tokens and {kinds.Length} token types");
        for (var i = 0; i < tokens.Length; i++)
        {
            if (kinds[i] is < Normal or > Byte) throw keys.Bad($"token {i} is of the unknown type {kinds[i]}");
            if (tokens[i].Length == 0 && kinds[i] != Unused) throw keys.Bad($"token {i} is empty");
            // Byte-level: converters fill gaps of the vocabulary with "[PAD17]", which no text may become.
            if (kinds[i] == Unused && (Model == "gpt2" || tokens[i].Length == 0)) continue;
            if (!vocabulary.TryAdd(tokens[i], i)) throw keys.Bad($"tokens {vocabulary[tokens[i]]} and {i} are both '{tokens[i]}'");
        }
        var unknowns = Enumerable.Range(0, tokens.Length).Where(i => kinds[i] == Unknown).ToList();
        unknown = Id("unknown") ?? (unknowns.Count > 0 ? unknowns[0] : null);
        (begins, ends) = (keys.Flag("tokenizer.ggml.add_bos_token") ?? Model == "llama", keys.Flag("tokenizer.ggml.add_eos_token") ?? false);
        if (keys.Text("tokenizer.huggingface.json") is { } json) (whole, merges) = (json, []);
        else if (Model == "gpt2")
        {
            var name = keys.Text("tokenizer.ggml.pre") ?? throw keys.Bad("has no key 'tokenizer.ggml.pre'", "The file is older than April 2024 and does not say how its text is cut; get a newer one.");
            pattern = GgufPattern.Find(name) ?? throw keys.Bad($"the pre-tokenizer '{name}' is not known", $"Known: {GgufPattern.Known}.");
            begins = keys.Flag("tokenizer.ggml.add_bos_token") ?? pattern.Begins;
            merges = ReadMerges();
        }
        else merges = MergesOfScores();
        if (begins && Id("bos") is null) begins = false;
        if (ends && Id("eos") is null) ends = false;
    }

    /// <summary>gpt2 or llama.</summary>
    internal string Model { get; }

    /// <summary>The chat template; null if the file has none.</summary>
    internal string? ChatTemplate => keys.Text("tokenizer.chat_template");

    /// <summary>Further named templates, which are not written.</summary>
    internal IEnumerable<string> OtherTemplates => keys.Keys.Where(key => key.StartsWith("tokenizer.chat_template.", StringComparison.Ordinal)).Select(key => key["tokenizer.chat_template.".Length..]);

    /// <summary>Tokens that end an answer: end of text, and end of turn where the file names one.</summary>
    internal IReadOnlyList<int> EndIds => [.. new[] { Id("eos"), Id("eot") }.OfType<int>().Distinct()];

    /// <summary>Writes bos_token_id, eos_token_id, pad_token_id as config.json and generation_config.json have them.</summary>
    internal void WriteIds(Utf8JsonWriter json)
    {
        if (Id("bos") is { } bos) json.WriteNumber("bos_token_id", bos);
        if (EndIds is [var only]) json.WriteNumber("eos_token_id", only);
        else if (EndIds.Count > 1)
        {
            json.WriteStartArray("eos_token_id");
            foreach (var id in EndIds) json.WriteNumberValue(id);
            json.WriteEndArray();
        }
        if (Id("padding") is { } pad) json.WriteNumber("pad_token_id", pad);
    }

    /// <summary>Writes tokenizer_config.json.</summary>
    internal void WriteConfig(Utf8JsonWriter json, int context)
    {
        json.WriteStartObject();
        json.WriteBoolean("add_bos_token", begins);
        json.WriteBoolean("add_eos_token", ends);
        foreach (var (name, id) in new[] { ("bos_token", Id("bos")), ("eos_token", Id("eos")), ("pad_token", Id("padding")), ("unk_token", unknown) })
            if (id is { } there) json.WriteString(name, tokens[there]);
        json.WriteBoolean("clean_up_tokenization_spaces", false);
        json.WriteNumber("model_max_length", context);
        json.WriteString("tokenizer_class", "PreTrainedTokenizerFast");
        json.WriteEndObject();
    }

    /// <summary>Writes tokenizer.json; the one that the file carries, if it carries one.</summary>
    internal void Write(Stream to)
    {
        if (whole is not null)
        {
            to.Write(System.Text.Encoding.UTF8.GetBytes(whole));
            return;
        }
        using var json = new Utf8JsonWriter(to, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WriteStartArray("added_tokens");
        foreach (var (token, id) in vocabulary.OrderBy(t => t.Value))
            if (kinds[id] is Control or Unknown or UserDefined) WriteAdded(json, token, id, special: kinds[id] != UserDefined);
        json.WriteEndArray();
        if (pattern is not null) pattern.Write(json);
        else WriteSpaces(json);
        WriteEnds(json);
        WriteDecoder(json);
        WriteModel(json);
        json.WriteEndObject();
    }

    int? Id(string name) => keys.Whole($"tokenizer.ggml.{name}_token_id") switch
    {
        null or -1 or uint.MaxValue => null,
        { } id when id >= 0 && id < tokens.Length => (int)id,
        { } id => throw keys.Bad($"key 'tokenizer.ggml.{name}_token_id' is {id}, of {tokens.Length} tokens"),
    };

    bool PrefixSpace => keys.Flag("tokenizer.ggml.add_space_prefix") ?? true;

    List<(string, string)> ReadMerges()
    {
        var list = keys.Texts("tokenizer.ggml.merges") ?? throw keys.Bad("has no key 'tokenizer.ggml.merges'");
        var read = new List<(string, string)>(list.Length);
        foreach (var merge in list)
        {
            var cut = merge.Length > 1 ? merge.IndexOf(' ', 1) : -1;      // as llama.cpp cuts: the first character may itself be a space
            var (left, right) = cut > 0 ? (merge[..cut], merge[(cut + 1)..]) : ("", "");
            if (!vocabulary.ContainsKey(left) || !vocabulary.ContainsKey(right) || !vocabulary.ContainsKey(left + right))
                throw keys.Bad($"merge {read.Count} of tokenizer.ggml.merges, '{merge}', does not join two tokens to a third");
            read.Add((left, right));
        }
        return read;
    }

    // Only what merging makes takes part: no control tokens, no added ones, which are found before, and no names of bytes such as <0x0A>.
    List<(string, string)> MergesOfScores()
    {
        var scores = keys.Numbers("tokenizer.ggml.scores", most: tokens.Length) ?? throw keys.Bad("has no key 'tokenizer.ggml.scores'");
        if (scores.Length != tokens.Length) throw keys.Bad($"has {tokens.Length} tokens and {scores.Length} scores");
        var pieces = vocabulary.Where(t => kinds[t.Value] is Normal or Unused).ToDictionary(t => t.Key, t => t.Value);
        var lookup = pieces.GetAlternateLookup<ReadOnlySpan<char>>();
        var found = new List<(string Left, string Right, double Score)>();
        foreach (var (piece, id) in pieces.OrderBy(t => t.Value))
        {
            if (double.IsNaN(scores[id])) throw keys.Bad($"token {id} has no score");
            if (piece.Length > LongestPiece) continue;                        // for hostile files; SentencePiece's own limit is 16 unless told
            for (var cut = 1; cut < piece.Length; cut++)
                if (!char.IsLowSurrogate(piece[cut]) && lookup.TryGetValue(piece.AsSpan(0, cut), out var left, out _) && lookup.TryGetValue(piece.AsSpan(cut), out var right, out _))
                    found.Add((left, right, scores[id]));
        }
        // Best score first; the rest is the order of transformers' converter: longer parts first, then by id.
        return [.. found.OrderByDescending(m => m.Score).ThenByDescending(m => Runes(m.Left)).ThenByDescending(m => Runes(m.Right)).Select(m => (m.Left, m.Right))];
    }

    const int LongestPiece = 128;

    static int Runes(string text) => text.Length - text.Count(char.IsLowSurrogate);

    static void WriteAdded(Utf8JsonWriter json, string content, int id, bool special)
    {
        json.WriteStartObject();
        json.WriteNumber("id", id);
        json.WriteString("content", content);
        json.WriteBoolean("single_word", false);
        json.WriteBoolean("lstrip", false);
        json.WriteBoolean("rstrip", false);
        json.WriteBoolean("normalized", false);
        json.WriteBoolean("special", special);
        json.WriteEndObject();
    }

    // As llama.cpp and the first Llama do it: a space is put before every stretch of text, then all spaces become marks.
    void WriteSpaces(Utf8JsonWriter json)
    {
        json.WriteStartObject("normalizer");
        json.WriteString("type", "Sequence");
        json.WriteStartArray("normalizers");
        if (PrefixSpace)
        {
            json.WriteStartObject();
            json.WriteString("type", "Prepend");
            json.WriteString("prepend", $"{Space}");
            json.WriteEndObject();
        }
        WriteReplace(json, " ", $"{Space}");
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteNull("pre_tokenizer");
    }

    static void WriteReplace(Utf8JsonWriter json, string what, string content)
    {
        json.WriteStartObject();
        json.WriteString("type", "Replace");
        json.WriteStartObject("pattern");
        json.WriteString("String", what);
        json.WriteEndObject();
        json.WriteString("content", content);
        json.WriteEndObject();
    }

    // bos before the text, eos after it.
    void WriteEnds(Utf8JsonWriter json)
    {
        if (!begins && !ends)
        {
            json.WriteNull("post_processor");
            return;
        }
        var (bos, eos) = (begins ? Id("bos") : null, ends ? Id("eos") : null);
        json.WriteStartObject("post_processor");
        json.WriteString("type", "TemplateProcessing");
        foreach (var (name, sequences) in new[] { ("single", "A"), ("pair", "AB") })
        {
            json.WriteStartArray(name);
            for (var i = 0; i < sequences.Length; i++)
            {
                if (bos is { } before) Part("SpecialToken", tokens[before], i);
                Part("Sequence", sequences[i..(i + 1)], i);
                if (eos is { } after) Part("SpecialToken", tokens[after], i);
            }
            json.WriteEndArray();
        }
        json.WriteStartObject("special_tokens");
        foreach (var id in new[] { bos, eos }.OfType<int>().Distinct())
        {
            json.WriteStartObject(tokens[id]);
            json.WriteString("id", tokens[id]);
            json.WriteStartArray("ids");
            json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            json.WriteStringValue(tokens[id]);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();

        void Part(string kind, string id, int type)
        {
            json.WriteStartObject();
            json.WriteStartObject(kind);
            json.WriteString("id", id);
            json.WriteNumber("type_id", type);
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }

    void WriteDecoder(Utf8JsonWriter json)
    {
        json.WriteStartObject("decoder");
        if (pattern is not null) GgufPattern.WriteByteLevel(json, splits: true);
        else
        {
            json.WriteString("type", "Sequence");
            json.WriteStartArray("decoders");
            WriteReplace(json, $"{Space}", " ");
            foreach (var type in (string[])["ByteFallback", "Fuse"])
            {
                json.WriteStartObject();
                json.WriteString("type", type);
                json.WriteEndObject();
            }
            if (PrefixSpace)
            {
                json.WriteStartObject();
                json.WriteString("type", "Strip");
                json.WriteString("content", " ");
                json.WriteNumber("start", 1);
                json.WriteNumber("stop", 0);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    void WriteModel(Utf8JsonWriter json)
    {
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        if (pattern is null && unknown is { } id) json.WriteString("unk_token", tokens[id]);
        else json.WriteNull("unk_token");
        json.WriteNull("continuing_subword_prefix");
        json.WriteNull("end_of_word_suffix");
        json.WriteBoolean("fuse_unk", pattern is null);
        json.WriteBoolean("byte_fallback", pattern is null);
        json.WriteBoolean("ignore_merges", pattern?.IgnoreMerges ?? false);
        json.WriteStartObject("vocab");
        foreach (var (token, number) in vocabulary.OrderBy(t => t.Value)) json.WriteNumber(token, number);
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
    }
}
