// A Hugging Face tokenizer.json: added tokens, normalizer, pre-tokenizer, model, post-processor, decoder, in this order.
// The file decides; what a Python class of the model's family would change is not looked at.
using System.Text;
using Aerie.Formats;
using Aerie.Text.Components;

namespace Aerie.Text;

/// <summary>Turns text into token ids and back. Safe for several threads.</summary>
public sealed class Tokenizer
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "tokenizer.json";

    /// <summary>Most bytes of it and of the files beside it; that of a vocabulary of 256k has 33 MB.</summary>
    internal const long LargestFile = 256 << 20;

    readonly string file;
    readonly Normalizer? normalizer;
    readonly PreTokenizer? preTokenizer;
    readonly TokenModel model;
    readonly PostProcessor postProcessor;
    readonly Decoder? decoder;
    readonly AddedTokenFinder rawFinder, normalizedFinder;
    readonly bool splitSpecial, cleansUp;
    readonly Dictionary<int, AddedToken> added = [];
    readonly Dictionary<string, int> idOf = [];
    readonly Dictionary<int, string> tokenOf = [];

    Tokenizer(ComponentJson json, string file, TokenizerConfig config)
    {
        (this.file, SpecialTokens, splitSpecial) = (file, config.SpecialTokens, config.SplitSpecialTokens);
        model = TokenModel.Read(json.Child("model") ?? throw json.Bad("has no 'model'"));
        if (json.Child("normalizer") is { } n) normalizer = Normalizer.Read(n);
        if (json.Child("pre_tokenizer") is { } p) preTokenizer = PreTokenizer.Read(p);
        if (json.Child("decoder") is { } d) decoder = Decoder.Read(d);
        postProcessor = json.Child("post_processor") is { } post ? PostProcessor.Read(post) : PostProcessor.None;
        foreach (var (token, id) in model.Vocabulary) (idOf[token], tokenOf[id]) = (id, token);
        if (json.Find("added_tokens") is not null)
        {
            foreach (var item in json.List("added_tokens")) Add(item, item.Id("id"));
        }
        foreach (var (id, token) in config.AddedTokens) Add(token, id);
        foreach (var content in config.Controls)
        {
            if (idOf.TryGetValue(content, out var id)) added[id] = added.TryGetValue(id, out var known) ? known with { Special = true } : new AddedToken(id, content, Special: true, false, false, false, false);
        }
        cleansUp = config.CleansUpSpaces && model is not Bpe.BpeModel;
        rawFinder = new(added.Values.Where(t => !t.Normalized).Select(t => (t, t.Content)));
        normalizedFinder = new(added.Values.Where(t => t.Normalized).Select(t => (t, Normalized(t.Content))));
        VocabularySize = tokenOf.Count == 0 ? 0 : tokenOf.Keys.Max() + 1;
    }

    // A token that is there already keeps its id.
    void Add(ComponentJson json, int id)
    {
        var content = json.Text("content");
        if (content.Length == 0) throw json.Bad("an added token without text");
        if (idOf.TryGetValue(content, out var own)) id = own;
        if (tokenOf.TryGetValue(id, out var other) && other != content) throw json.Bad($"id {id} of added token '{content}' is that of '{other}'");
        var special = json.Flag("special", false);
        added[id] = new AddedToken(id, content, special, json.Flag("single_word", false), json.Flag("lstrip", false), json.Flag("rstrip", false), json.Flag("normalized", !special));
        (idOf[content], tokenOf[id]) = (id, content);
    }

    /// <summary>Reads <c>tokenizer.json</c> of a folder (or the file itself), and the names of its special tokens from <c>tokenizer_config.json</c> beside it.</summary>
    /// <exception cref="AerieException">A file is missing or broken, or the tokenizer uses something that is not supported (it is named).</exception>
    public static Tokenizer Load(string path)
    {
        var file = Directory.Exists(path) ? Path.Combine(path, FileName) : path;
        using var json = JsonFile.Read(file, LargestFile, "A model folder needs its tokenizer.json.");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        try
        {
            return TokenizerConfig.Read(folder, config => new Tokenizer(new ComponentJson(json.RootElement, file), file, config));
        }
        catch (AerieException problem) when (!problem.Message.StartsWith(file, StringComparison.Ordinal) && !problem.Message.StartsWith(folder, StringComparison.Ordinal))
        {
            throw new AerieException($"{file}: {problem.Message}", problem.Hint, problem);
        }
    }

    /// <summary>The names <c>bos_token</c>, <c>eos_token</c>, <c>pad_token</c>, <c>unk_token</c> ... and their texts, as the folder gives them.</summary>
    public IReadOnlyDictionary<string, string> SpecialTokens { get; }

    /// <summary>The tokens beside the model's vocabulary, by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> AddedTokens => added;

    /// <summary>The largest id plus one.</summary>
    public int VocabularySize { get; }

    /// <summary>Id of the token that the folder calls <paramref name="name"/> (such as <c>eos_token</c>); null if there is none.</summary>
    public int? SpecialId(string name) => SpecialTokens.TryGetValue(name, out var token) ? IdOf(token) : null;

    /// <summary>Id of a token by its string in the vocabulary; null if there is none.</summary>
    public int? IdOf(string token) => idOf.TryGetValue(token, out var id) ? id : null;

    /// <summary>A token's string in the vocabulary; null for an unknown id.</summary>
    public string? TokenOf(int id) => tokenOf.GetValueOrDefault(id);

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Put the tokens around it that the file's post-processor names (such as bos). Chat templates write their own: false for them.</param>
    /// <param name="splitSpecialTokens">Read control tokens in the text as plain text (for text from users); null: as tokenizer_config.json says, usually no.</param>
    public List<int> Encode(string text, bool addSpecialTokens = false, bool? splitSpecialTokens = null)
    {
        var ids = new List<int>(text.Length / 3 + 8);
        if (addSpecialTokens) ids.AddRange(postProcessor.Before);
        Encode(text, splitSpecialTokens ?? splitSpecial, ids, null);
        if (addSpecialTokens) ids.AddRange(postProcessor.After);
        return ids;
    }

    /// <summary>The ids of many texts, by several threads; the same as one after the other.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="addSpecialTokens">As for one text.</param>
    /// <param name="splitSpecialTokens">As for one text.</param>
    public List<int>[] EncodeAll(IReadOnlyList<string> texts, bool addSpecialTokens = false, bool? splitSpecialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return InOrder.Map(texts, text => Encode(text, addSpecialTokens, splitSpecialTokens));
    }

    /// <summary>The ids of a text and for each the chars [start, end) that it covers; every token of a split character covers all of it.</summary>
    /// <exception cref="AerieException">The tokenizer changes the text in a way that loses the places.</exception>
    public (List<int> Ids, List<(int Start, int End)> Places) EncodeWithPlaces(string text)
    {
        var (ids, places) = (new List<int>(), new List<(int, int)>());
        Encode(text, splitSpecial, ids, places);
        return (ids, places);
    }

    void Encode(string text, bool splitSpecial, List<int> ids, List<(int Start, int End)>? places)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            Write(new Piece(Clean(text), places is not null), splitSpecial, new IdWriter(model, tokenOf, ids, places));
        }
        catch (AerieException problem) when (!problem.Message.StartsWith(file, StringComparison.Ordinal))
        {
            throw new AerieException($"{file}: {problem.Message}", problem.Hint, problem);
        }
    }

    void Write(Piece whole, bool splitSpecial, IdWriter to)
    {
        foreach (var (stretch, token) in rawFinder.Find(whole, splitSpecial))
        {
            if (token is not null) to.Write(token, stretch);
            else
            {
                foreach (var (part, inner) in normalizedFinder.Find(Normalized(stretch), splitSpecial))
                {
                    if (inner is not null) to.Write(inner, part);
                    else if (preTokenizer is null) to.Write(part);
                    else preTokenizer.Apply(part, to);
                }
            }
        }
    }

    /// <summary>The text of ids; unknown ids vanish, ill-formed UTF-8 becomes U+FFFD.</summary>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens = false) => Decode(ids, skipSpecialTokens, cleanUp: true);

    // Cleaning up looks at what comes next, so a stream goes without, as the library's does.
    internal string Decode(IEnumerable<int> ids, bool skipSpecialTokens, bool cleanUp)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = new List<string>();
        foreach (var id in ids)
        {
            if (skipSpecialTokens && added.TryGetValue(id, out var special) && special.Special) continue;
            if (tokenOf.TryGetValue(id, out var token)) tokens.Add(token);
        }
        var text = decoder is null ? string.Join(' ', tokens) : string.Concat(decoder.Apply(tokens));
        return cleansUp && cleanUp ? TokenizerConfig.CleanUp(text) : text;
    }

    Piece Normalized(Piece piece) => normalizer?.Apply(piece, Limit(piece.Length)) ?? piece;

    string Normalized(string text) => normalizer?.Apply(text, Limit(text.Length)) ?? text;

    static int Limit(int length) => 1_000_000 + 64 * Math.Min(length, 1 << 24);

    // Half surrogates cannot be encoded.
    static string Clean(string text)
    {
        var first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        for (var i = first; i >= 0 && i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            i++;
        }
        return text;
    }
}
