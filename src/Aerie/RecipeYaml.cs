// The YAML of a recipe as a small tree in which every node knows its place. Read from YamlDotNet's events, not its object model: nothing is
// instantiated, tags are refused, aliases share a node (so they cannot multiply) and cannot point into themselves.
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Aerie;

abstract record YamlPart(string Where);

/// <summary><paramref name="Plain"/>: written without quotes, so a number is a number.</summary>
sealed record YamlScalar(string Where, string Text, bool Plain) : YamlPart(Where);

sealed record YamlList(string Where, List<YamlPart> Items) : YamlPart(Where);

sealed record YamlMap(string Where, List<(YamlScalar Key, YamlPart Value)> Entries) : YamlPart(Where)
{
    public YamlPart? Find(string key) => Entries.FirstOrDefault(e => e.Key.Text == key).Value;

    public void Set(YamlScalar key, YamlPart value)
    {
        Entries.RemoveAll(e => e.Key.Text == key.Text);
        Entries.Add((key, value));
    }
}

/// <summary>Reads one document. <paramref name="origin"/> is what errors call it: a file name.</summary>
sealed class RecipeYaml(string origin)
{
    const int MaxBytes = 1 << 20, MaxDepth = 12, MaxParts = 20_000;

    readonly Dictionary<AnchorName, YamlPart?> anchors = [];
    int parts;

    public static YamlMap ReadFile(string path)
    {
        if (!File.Exists(path)) throw new AerieException($"{path}: no such file.", "Give the path of a recipe; recipes/ has examples.");
        using var file = File.OpenRead(path);
        if (file.Length > MaxBytes) throw new AerieException($"{path}: {file.Length >> 20} MB are too much for a recipe.");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return Read(bytes, path);
    }

    public static YamlMap Read(ReadOnlySpan<byte> bytes, string origin)
    {
        if (bytes.Length > MaxBytes) throw new AerieException($"{origin}: {bytes.Length >> 20} MB are too much for a recipe.");
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF])) bytes = bytes[3..];
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            throw new AerieException($"{origin}: not UTF-8 text (byte {e.Index}).", "Save the recipe as UTF-8.", e);
        }
        CheckCharacters(text, origin);
        var part = new RecipeYaml(origin).Document(text);
        return part as YamlMap ?? throw new AerieException($"{part.Where}: a recipe is a map of sections, not {Name(part)}.", "recipes/tiny-cpu.yaml shows one.");
    }

    /// <summary>The value of `--set key=value`: a flow list or map in YAML, otherwise plain text as it stands.</summary>
    public static YamlPart ReadValue(string text, string origin)
    {
        CheckCharacters(text, origin);
        return text.Length > 0 && text[0] is '[' or '{' or '"' or '\'' ? new RecipeYaml(origin).Document(text) : new YamlScalar(origin, text.Trim(), true);
    }

    public static string Name(YamlPart part) => part switch { YamlMap => "a map", YamlList => "a list", YamlScalar { Text: "", Plain: true } => "nothing", YamlScalar s => $"`{Short(s.Text)}`", _ => "?" };

    public static string Short(string text) => text.Length <= 60 ? text : $"{text[..57]}...";

    static void CheckCharacters(string text, string origin)
    {
        var line = 1;
        var indentation = true;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\n') { line++; indentation = true; continue; }
            if (c == '\t' && indentation) throw new AerieException($"{origin}:{line}: a tab in the indentation.", "YAML indents with spaces.");
            if (c < ' ' && c is not ('\t' or '\r')) throw new AerieException($"{origin}:{line}: the character U+{(int)c:X4} does not belong in text.", "This does not look like a recipe.");
            if (c != ' ') indentation = false;
        }
    }

    YamlPart Document(string text)
    {
        var parser = new YamlDotNet.Core.Parser(new Scanner(new StringReader(text), skipComments: true));
        try
        {
            Next<StreamStart>(parser);
            if (Next<ParsingEvent>(parser) is not DocumentStart) throw new AerieException($"{origin}: empty.", "recipes/tiny-cpu.yaml shows a recipe.");
            var root = Part(parser, Next<ParsingEvent>(parser), 0);
            Next<DocumentEnd>(parser);
            if (Next<ParsingEvent>(parser) is { } more and not StreamEnd) throw new AerieException($"{Place(more.Start)}: a second document.", "A recipe is one YAML document.");
            return root;
        }
        catch (InvalidOperationException e)   // YamlDotNet at the end of an unclosed list
        {
            throw new AerieException($"{origin}: not valid YAML: it ends inside of a list or map.", inner: e);
        }
        catch (YamlException e)
        {
            throw new AerieException($"{Place(e.Start)}: not valid YAML: {e.Message.ReplaceLineEndings(" ")}", inner: e);
        }
    }

    string Place(Mark mark) => $"{origin}:{mark.Line}:{mark.Column}";

    T Next<T>(IParser parser) where T : ParsingEvent =>
        parser.MoveNext() ? parser.Current as T ?? throw new AerieException($"{Place(parser.Current!.Start)}: not valid YAML.") : throw new AerieException($"{origin}: ends too early.");

    YamlPart Part(IParser parser, ParsingEvent current, int depth)
    {
        var where = Place(current.Start);
        if (depth > MaxDepth) throw new AerieException($"{where}: nested more than {MaxDepth} deep.");
        if (++parts > MaxParts) throw new AerieException($"{where}: more than {MaxParts} values are too much for a recipe.");
        if (current is NodeEvent { Tag.IsEmpty: false } tagged && !tagged.Tag.IsNonSpecific)
            throw new AerieException($"{where}: the tag `{Short(tagged.Tag.Value)}` is refused: a recipe holds plain values only.");
        var anchor = (current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        if (!anchor.IsEmpty && current is not AnchorAlias) anchors[anchor] = null;   // open: an alias inside of it would be a cycle
        YamlPart part;
        switch (current)
        {
            case Scalar scalar:
                part = new YamlScalar(where, scalar.Value, scalar.Style == ScalarStyle.Plain);
                break;
            case SequenceStart:
                var items = new List<YamlPart>();
                while (parser.MoveNext() && parser.Current is not SequenceEnd) items.Add(Part(parser, parser.Current!, depth + 1));
                part = new YamlList(where, items);
                break;
            case MappingStart:
                part = new YamlMap(where, Entries(parser, depth));
                break;
            case AnchorAlias alias:
                if (!anchors.TryGetValue(alias.Value, out var shared)) throw new AerieException($"{where}: the alias `*{alias.Value}` has no anchor before it.");
                return shared ?? throw new AerieException($"{where}: the alias `*{alias.Value}` points into itself.");
            default:
                throw new AerieException($"{where}: not valid YAML.");
        }
        if (!anchor.IsEmpty) anchors[anchor] = part;
        return part;
    }

    List<(YamlScalar, YamlPart)> Entries(IParser parser, int depth)
    {
        var entries = new List<(YamlScalar Key, YamlPart)>();
        var seen = new Dictionary<string, string>();
        while (parser.MoveNext() && parser.Current is not MappingEnd)
        {
            var word = Part(parser, parser.Current!, depth + 1);
            var key = word as YamlScalar ?? throw new AerieException($"{word.Where}: a key must be a word, not {Name(word)}.");
            if (key is { Plain: true, Text: "<<" }) throw new AerieException($"{key.Where}: merge keys (<<) are not part of recipes.", "Write the keys out.");
            if (!seen.TryAdd(key.Text, key.Where)) throw new AerieException($"{key.Where}: the key `{Short(key.Text)}` appears twice (first at {seen[key.Text]}).", "Keep one of them.");
            entries.Add((key, Part(parser, Next<ParsingEvent>(parser), depth + 1)));
        }
        return entries;
    }
}
