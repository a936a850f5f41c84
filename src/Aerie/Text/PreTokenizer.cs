// Pre-tokenizers of tokenizer.json: they cut the text into pieces that the model encodes one by one. An unknown one is refused by name.
using System.Text;
using Aerie.Text.Patterns;

namespace Aerie.Text;

/// <summary>Splits a piece into pieces.</summary>
abstract class PreTokenizer
{
    internal abstract void Apply(Piece piece, List<Piece> to);

    internal static PreTokenizer Read(ComponentJson json) => json.Type switch
    {
        "Sequence" => new Several([.. json.List("pretokenizers").Select(Read)]),
        "Split" => new Split(new Needle(json), Splitting.Behavior(json), json.Flag("invert", false)),
        "ByteLevel" => new ByteLevel(json.Flag("add_prefix_space", true), json.Flag("use_regex", true)),
        "Digits" => new BySet(RuneSet.Number, json.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "Punctuation" => new BySet(RuneSet.Punctuation, Splitting.Behavior(json, SplitBehavior.Isolated)),
        "WhitespaceSplit" => new BySet(RuneSet.White, SplitBehavior.Removed),
        "Metaspace" => new Metaspace(json),
        _ => throw json.Unsupported("pre-tokenizer"),
    };

    sealed class Several(PreTokenizer[] steps) : PreTokenizer
    {
        internal override void Apply(Piece piece, List<Piece> to)
        {
            var pieces = new List<Piece> { piece };
            foreach (var step in steps)
            {
                var next = new List<Piece>(pieces.Count);
                foreach (var part in pieces) step.Apply(part, next);
                pieces = next;
            }
            to.AddRange(pieces);
        }
    }

    sealed class Split(Needle needle, SplitBehavior behavior, bool invert) : PreTokenizer
    {
        internal override void Apply(Piece piece, List<Piece> to) => Splitting.Split(piece, needle.Matches(piece.Text), behavior, invert, to);
    }

    // Every character of the set is a match.
    sealed class BySet(RuneSet set, SplitBehavior behavior) : PreTokenizer
    {
        internal override void Apply(Piece piece, List<Piece> to)
        {
            var matches = new List<(int, int)>();
            for (var i = 0; i < piece.Text.Length;)
            {
                Rune.DecodeFromUtf16(piece.Text.AsSpan(i), out var rune, out var length);
                if (set.Contains(rune.Value)) matches.Add((i, i + length));
                i += length;
            }
            Splitting.Split(piece, matches, behavior, invert: false, to);
        }
    }

    sealed class ByteLevel(bool prefixSpace, bool useRegex) : PreTokenizer
    {
        static readonly Pattern Gpt2 = new(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

        internal override void Apply(Piece piece, List<Piece> to)
        {
            if (prefixSpace && !piece.Text.StartsWith(' ')) piece = Prefixed(piece, ' ');
            var parts = new List<Piece>();
            if (useRegex) Splitting.Split(piece, Gpt2.Matches(piece.Text), SplitBehavior.Isolated, invert: false, parts);
            else parts.Add(piece);
            foreach (var part in parts) to.Add(ByteAlphabet.Map(part));
        }
    }

    // The new character has no length in the input.
    static Piece Prefixed(Piece piece, char prefix) => piece with
    {
        Text = prefix + piece.Text,
        Origin = [piece.Place(0), .. Enumerable.Range(0, piece.Text.Length + 1).Select(piece.Place)],
    };

    sealed class Metaspace : PreTokenizer
    {
        readonly char mark;
        readonly string scheme;
        readonly bool split;

        internal Metaspace(ComponentJson json)
        {
            mark = MetaspaceMark(json);
            scheme = MetaspaceScheme(json);
            split = json.Flag("split", true);
        }

        internal override void Apply(Piece piece, List<Piece> to)
        {
            piece = piece with { Text = piece.Text.Replace(' ', mark) };
            if (!piece.Text.StartsWith(mark) && (scheme == "always" || (scheme == "first" && piece.AtStart))) piece = Prefixed(piece, mark);
            if (!split)
            {
                to.Add(piece);
                return;
            }
            var matches = new List<(int, int)>();
            for (var at = piece.Text.IndexOf(mark); at >= 0; at = piece.Text.IndexOf(mark, at + 1)) matches.Add((at, at + 1));
            Splitting.Split(piece, matches, SplitBehavior.MergedWithNext, invert: false, to);
        }
    }

    internal static char MetaspaceMark(ComponentJson json) => json.Text("replacement") is [var c] ? c : throw json.Bad("'replacement' is not one character");

    // `add_prefix_space` is the old spelling.
    internal static string MetaspaceScheme(ComponentJson json) => json.TextOrNull("prepend_scheme") switch
    {
        null => json.Flag("add_prefix_space", true) ? "always" : "never",
        "always" or "first" or "never" => json.Text("prepend_scheme"),
        var other => throw json.Bad($"there is no prepend_scheme '{other}'"),
    };
}
