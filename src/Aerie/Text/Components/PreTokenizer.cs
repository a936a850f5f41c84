// Pre-tokenizers of tokenizer.json: they cut the text into pieces that the model encodes one by one. Each hands its pieces on to the
// next at once, so no list of them is made. An unknown one is refused by name.
using Aerie.Text.Patterns;

namespace Aerie.Text.Components;

/// <summary>What becomes of the matches of a pattern and of the gaps between them.</summary>
enum SplitBehavior { Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext }

/// <summary>Splits a piece into pieces.</summary>
abstract class PreTokenizer
{
    PreTokenizer? next;

    internal abstract void Apply(in Piece piece, IdWriter to);

    /// <summary>The first of the steps that the file names, each linked to what follows it; null if there are none.</summary>
    internal static PreTokenizer? Read(ComponentJson json, PreTokenizer? next = null)
    {
        if (json.Type == "Sequence")
        {
            foreach (var item in json.List("pretokenizers").Reverse()) next = Read(item, next);
            return next;
        }
        if (json.Type == "ByteLevel")
        {
            next = new AsBytes().Before(next);
            if (json.Flag("use_regex", true)) next = new Split(Needle.Gpt2, SplitBehavior.Isolated, false).Before(next);
            return json.Flag("add_prefix_space", true) ? new PrefixSpace().Before(next) : next;
        }
        PreTokenizer step = json.Type switch
        {
            "Split" => new Split(new Needle(json), Behavior(json), json.Flag("invert", false)),
            "Digits" => new BySet(RuneSet.Number, json.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
            "Punctuation" => new BySet(RuneSet.Punctuation, Behavior(json, SplitBehavior.Isolated)),
            "WhitespaceSplit" => new BySet(RuneSet.White, SplitBehavior.Removed),
            "Metaspace" => new Metaspace(json),
            _ => throw json.Unsupported("pre-tokenizer"),
        };
        return step.Before(next);
    }

    PreTokenizer Before(PreTokenizer? step)
    {
        next = step;
        return this;
    }

    static SplitBehavior Behavior(ComponentJson json, SplitBehavior? otherwise = null) => json.TextOrNull("behavior") is not { } name
        ? otherwise ?? throw json.Bad("has no 'behavior'")
        : Enum.TryParse<SplitBehavior>(name, out var behavior) && Enum.IsDefined(behavior) && !char.IsDigit(name[0]) ? behavior : throw json.Bad($"there is no behaviour '{name}'");

    void Pass(in Piece piece, IdWriter to)
    {
        if (piece.Length == 0) return;
        if (next is null) to.Write(piece);
        else next.Apply(piece, to);
    }

    // Cuts a piece at matches, which come in order and apart from each other.
    struct Cutting(PreTokenizer step, SplitBehavior behavior, bool invert)
    {
        int done, heldStart = -1, heldEnd;
        bool before;

        internal void Match(in Piece piece, int start, int end, IdWriter to)
        {
            if (start > done) Part(piece, done, start, invert, to);
            Part(piece, start, end, !invert, to);
            done = end;
        }

        internal void Finish(in Piece piece, IdWriter to)
        {
            if (piece.Length > done) Part(piece, done, piece.Length, invert, to);
            if (heldStart >= 0) step.Pass(piece.Cut(heldStart, heldEnd), to);
        }

        // Matches and gaps alternate; with `invert` they change roles.
        void Part(in Piece piece, int start, int end, bool match, IdWriter to)
        {
            if (behavior == SplitBehavior.Isolated || (behavior == SplitBehavior.Removed && !match)) step.Pass(piece.Cut(start, end), to);
            if (behavior is SplitBehavior.Isolated or SplitBehavior.Removed) return;
            var joins = heldStart >= 0 && behavior switch
            {
                SplitBehavior.Contiguous => before == match,
                SplitBehavior.MergedWithPrevious => match && !before,
                _ => !match && before,
            };
            if (!joins)
            {
                if (heldStart >= 0) step.Pass(piece.Cut(heldStart, heldEnd), to);
                heldStart = start;
            }
            (heldEnd, before) = (end, match);
        }
    }

    void CutAt(Pattern pattern, in Piece piece, SplitBehavior behavior, bool invert, IdWriter to)
    {
        var cutting = new Cutting(this, behavior, invert);
        var search = new PatternSearch(pattern, piece.Span, stackalloc PatternSearch.Frame[8]);
        while (search.Next(out var start, out var end)) cutting.Match(piece, start, end, to);
        cutting.Finish(piece, to);
    }

    void CutAt(string literal, in Piece piece, SplitBehavior behavior, bool invert, IdWriter to)
    {
        var cutting = new Cutting(this, behavior, invert);
        var text = piece.Span;
        for (var at = 0; text[at..].IndexOf(literal, StringComparison.Ordinal) is >= 0 and var skip; at += literal.Length)
        {
            at += skip;
            cutting.Match(piece, at, at + literal.Length, to);
        }
        cutting.Finish(piece, to);
    }

    sealed class Split(Needle needle, SplitBehavior behavior, bool invert) : PreTokenizer
    {
        internal override void Apply(in Piece piece, IdWriter to)
        {
            if (needle.Pattern is { } pattern) CutAt(pattern, piece, behavior, invert, to);
            else CutAt(needle.Literal!, piece, behavior, invert, to);
        }
    }

    // Every character of the set is a match.
    sealed class BySet(RuneSet set, SplitBehavior behavior) : PreTokenizer
    {
        readonly RuneSet others = set.Not();

        internal override void Apply(in Piece piece, IdWriter to)
        {
            var cutting = new Cutting(this, behavior, invert: false);
            var text = piece.Span;
            for (var at = others.End(text, 0); at < text.Length; at = others.End(text, at))
            {
                var end = at + (char.IsHighSurrogate(text[at]) ? 2 : 1);
                cutting.Match(piece, at, end, to);
                at = end;
            }
            cutting.Finish(piece, to);
        }
    }

    sealed class PrefixSpace : PreTokenizer
    {
        internal override void Apply(in Piece piece, IdWriter to) => Pass(piece.Source[piece.From] == ' ' ? piece : Prefixed(piece, ' '), to);
    }

    sealed class AsBytes : PreTokenizer
    {
        internal override void Apply(in Piece piece, IdWriter to)
        {
            if (next is null) to.Write(piece with { AsBytes = true });
            else Pass(ByteAlphabet.Map(piece), to);
        }
    }

    // The new character has no length in the input.
    static Piece Prefixed(Piece piece, char prefix) =>
        piece.With(prefix + piece.Text, piece.Known ? [piece.Place(0), .. Enumerable.Range(0, piece.Length + 1).Select(piece.Place)] : null);

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

        internal override void Apply(in Piece piece, IdWriter to)
        {
            var marked = piece.With(piece.Text.Replace(' ', mark), piece.Origin?[piece.From..(piece.To + 1)]);
            if (marked.Source[0] != mark && (scheme == "always" || (scheme == "first" && piece.AtStart))) marked = Prefixed(marked, mark);
            if (split) CutAt(mark.ToString(), marked, SplitBehavior.MergedWithNext, invert: false, to);
            else Pass(marked, to);
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
