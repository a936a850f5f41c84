// Normalizers of tokenizer.json: they change the text before it is split. An unknown one is refused by name.
using System.Text;
using Aerie.Text.Patterns;

namespace Aerie.Text.Components;

/// <summary>Changes a stretch of text.</summary>
abstract class Normalizer
{
    /// <summary>The changed text; longer than <paramref name="limit"/> is refused.</summary>
    internal abstract string Apply(string text, int limit);

    /// <summary>The same on a piece of the input; its places are lost where the text changes, unless the normalizer knows better.</summary>
    internal virtual Piece Apply(Piece piece, int limit)
    {
        var before = piece.Text;
        var text = Apply(before, limit);
        if (text == before) return piece;
        // The input's first character is gone if only something of its end is left.
        var atStart = piece.AtStart && !(text.Length < before.Length && before.EndsWith(text, StringComparison.Ordinal));
        return piece.With(text, null) with { AtStart = atStart, Known = false };
    }

    internal static Normalizer Read(ComponentJson json) => json.Type switch
    {
        "Sequence" => new Several([.. json.List("normalizers").Select(Read)]),
        "Prepend" => new Prepend(json.Text("prepend")),
        "Replace" => new Replace(new Needle(json), json.Text("content")),
        "NFC" => new Form(compose: true, compatible: false),
        "NFD" => new Form(compose: false, compatible: false),
        "NFKC" => new Form(compose: true, compatible: true),
        "NFKD" => new Form(compose: false, compatible: true),
        "Lowercase" => new PerRune(Lower),
        "StripAccents" => new PerRune(rune => RuneSet.Mark.Contains(rune.Value) ? "" : null),
        "Nmt" => new PerRune(Nmt),
        "Strip" => new Strip(json.Flag("strip_left", true), json.Flag("strip_right", true)),
        _ => throw json.Unsupported("normalizer"),
    };

    static string? Lower(Rune rune) => rune.Value == 0x130 ? "i\u0307" : Rune.ToLowerInvariant(rune) is var lower && lower != rune ? lower.ToString() : null;

    static string? Nmt(Rune rune) => rune.Value switch
    {
        (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F => "",
        9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD => " ",
        _ => null,
    };

    sealed class Several(Normalizer[] steps) : Normalizer
    {
        internal override string Apply(string text, int limit)
        {
            foreach (var step in steps) text = step.Apply(text, limit);
            return text;
        }

        internal override Piece Apply(Piece piece, int limit)
        {
            foreach (var step in steps) piece = step.Apply(piece, limit);
            return piece;
        }
    }

    sealed class Prepend(string prefix) : Normalizer
    {
        internal override string Apply(string text, int limit) => text.Length == 0 ? text : prefix + text;
    }

    sealed class Replace(Needle needle, string content) : Normalizer
    {
        internal override string Apply(string text, int limit)
        {
            var matches = needle.Matches(text);
            if (matches.Count == 0) return text;
            if (text.Length + (long)matches.Count * content.Length > limit) throw new AerieException($"the normalizer makes more than {limit} characters of a text", "The tokenizer is broken.");
            var result = new StringBuilder();
            var at = 0;
            foreach (var (start, end) in matches)
            {
                result.Append(text, at, start - at).Append(content);
                at = end;
            }
            return result.Append(text, at, text.Length - at).ToString();
        }
    }

    sealed class Form(bool compose, bool compatible) : Normalizer
    {
        internal override string Apply(string text, int limit) => UnicodeForms.Normalize(text, compose, compatible);

        // What comes of a part covers all of it.
        internal override Piece Apply(Piece piece, int limit)
        {
            var before = piece.Text;
            if (!piece.Known || Apply(before, limit) == before) return base.Apply(piece, limit);
            var (result, origin) = (new StringBuilder(), new List<int>());
            foreach (var (start, end) in UnicodeForms.Parts(before))
            {
                var part = before[start..end];
                var text = Apply(part, limit);
                result.Append(text);
                for (var i = 0; i < text.Length; i++) origin.Add(piece.Place(text == part ? start + i : start));
            }
            origin.Add(piece.Place(before.Length));
            return piece.With(result.ToString(), [.. origin]);
        }
    }

    // Null: the character stays.
    sealed class PerRune(Func<Rune, string?> change) : Normalizer
    {
        internal override string Apply(string text, int limit)
        {
            var result = new StringBuilder(text.Length);
            foreach (var rune in text.EnumerateRunes())
            {
                if (change(rune) is { } other) result.Append(other);
                else result.Append(rune.ToString());
            }
            return result.ToString();
        }
    }

    sealed class Strip(bool left, bool right) : Normalizer
    {
        internal override string Apply(string text, int limit)
        {
            int from = 0, to = text.Length;
            while (left && from < to && RuneSet.White.Contains(text[from])) from++;
            while (right && to > from && RuneSet.White.Contains(text[to - 1])) to--;
            return text[from..to];
        }
    }
}
