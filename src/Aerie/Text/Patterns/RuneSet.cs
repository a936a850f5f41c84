// A set of characters (Unicode scalar values), as character classes and \p{..} name them. Categories are those of Unicode 16.
using System.Globalization;
using System.Text;

namespace Aerie.Text.Patterns;

/// <summary>A set of characters; answers are remembered in blocks of 256.</summary>
sealed class RuneSet(Func<int, bool> contains)
{
    // Room for U+0000-FFFF; for the rest once it is asked for.
    ulong[]?[] blocks = new ulong[0x100][];

    internal bool Contains(int rune)
    {
        var (all, index) = (blocks, rune >> 8);
        var block = (index < all.Length ? all[index] : null) ?? Fill(index);
        return (block[(rune >> 6) & 3] >> rune & 1) != 0;
    }

    /// <summary>The end of the characters of the set that begin at <paramref name="at"/>.</summary>
    internal int End(ReadOnlySpan<char> text, int at)
    {
        var low = blocks[0] ?? Fill(0);
        while (true)
        {
            while (at < text.Length && text[at] is < '\u0100' and var c && (low[c >> 6] >> c & 1) != 0) at++;
            if (at >= text.Length || text[at] < '\u0100') return at;
            Rune.DecodeFromUtf16(text[at..], out var rune, out var length);
            if (!Contains(rune.Value)) return at;
            at += length;
        }
    }

    // Two threads may fill a block at once; both fill it alike, and a block that is lost is filled again.
    ulong[] Fill(int index)
    {
        var bits = new ulong[4];
        for (var i = 0; i < 256; i++)
        {
            if (contains((index << 8) + i)) bits[i >> 6] |= 1UL << i;
        }
        var all = blocks;
        if (index >= all.Length)
        {
            Array.Resize(ref all, 0x1100);
            all[index] = bits;
            blocks = all;
        }
        else all[index] = bits;
        return bits;
    }

    internal static readonly RuneSet White = new(IsWhite);
    internal static readonly RuneSet Digit = new(rune => Category(rune) == UnicodeCategory.DecimalDigitNumber);
    internal static readonly RuneSet Number = new(rune => Category(rune) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber);
    internal static readonly RuneSet Mark = Named("M")!;
    internal static readonly RuneSet Any = new(_ => true);
    internal static readonly RuneSet NotNewLine = new(rune => rune != '\n');

    /// <summary>\w of Oniguruma: letters, marks, numbers, connecting punctuation.</summary>
    internal static readonly RuneSet Word = new(rune => Name(rune) is ['L' or 'M' or 'N', _] or "Pc");

    /// <summary>\w of Rust's regex, which `single_word` is about: Alphabetic, marks, Nd, Pc and the two joiners.</summary>
    internal static readonly RuneSet RustWord = new(rune => Name(rune) is ['L' or 'M', _] or "Nd" or "Nl" or "Pc" || rune is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9) or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189));

    /// <summary>ASCII punctuation and everything of P.</summary>
    internal static readonly RuneSet Punctuation = new(rune => rune < 0x80 ? char.IsPunctuation((char)rune) || char.IsSymbol((char)rune) : Name(rune)[0] == 'P');

    internal RuneSet Not() => new(rune => !Contains(rune));

    /// <summary>What is in any of the sets; null if one of them is not known.</summary>
    internal static RuneSet? Union(IReadOnlyList<RuneSet?> sets) => sets.Contains(null) ? null : sets.Count == 1 ? sets[0] : new RuneSet(rune =>
    {
        foreach (var set in sets)
        {
            if (set!.Contains(rune)) return true;
        }
        return false;
    });

    internal RuneSet And(RuneSet other) => new(rune => Contains(rune) && other.Contains(rune));

    internal static RuneSet Range(int from, int to) => new(rune => rune >= from && rune <= to);

    /// <summary>A general category (L, Lu, ...) or one of the scripts that tokenizers name; null if there is none of this name here.</summary>
    internal static RuneSet? Named(string name) => name switch
    {
        "Han" => Of(0x2E80, 0x2E99, 0x2E9B, 0x2EF3, 0x2F00, 0x2FD5, 0x3005, 0x3005, 0x3007, 0x3007, 0x3021, 0x3029, 0x3038, 0x303B, 0x3400, 0x4DBF, 0x4E00, 0x9FFF,
            0xF900, 0xFA6D, 0xFA70, 0xFAD9, 0x16FE2, 0x16FE3, 0x16FF0, 0x16FF1, 0x20000, 0x2A6DF, 0x2A700, 0x2B739, 0x2B740, 0x2B81D, 0x2B820, 0x2CEA1,
            0x2CEB0, 0x2EBE0, 0x2EBF0, 0x2EE5D, 0x2F800, 0x2FA1D, 0x30000, 0x3134A, 0x31350, 0x323AF),
        "Hiragana" => Of(0x3041, 0x3096, 0x309D, 0x309F, 0x1B001, 0x1B11F, 0x1B132, 0x1B132, 0x1B150, 0x1B152, 0x1F200, 0x1F200),
        "Katakana" => Of(0x30A1, 0x30FA, 0x30FD, 0x30FF, 0x31F0, 0x31FF, 0x32D0, 0x32FE, 0x3300, 0x3357, 0xFF66, 0xFF6F, 0xFF71, 0xFF9D, 0x1AFF0, 0x1AFF3,
            0x1AFF5, 0x1AFFB, 0x1AFFD, 0x1AFFE, 0x1B000, 0x1B000, 0x1B120, 0x1B122, 0x1B155, 0x1B155, 0x1B164, 0x1B167),
        { Length: 1 } when "LMNPSZC".Contains(name[0]) => new RuneSet(rune => Name(rune)[0] == name[0]),
        _ when Names.Contains(name) => new RuneSet(rune => Name(rune) == name),
        _ => null,
    };

    static RuneSet Of(params int[] ranges) => new(rune =>
    {
        for (var i = 0; i < ranges.Length; i += 2)
        {
            if (rune >= ranges[i] && rune <= ranges[i + 1]) return true;
        }
        return false;
    });

    // In the order of UnicodeCategory.
    static readonly string[] Names =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
    ];

    static UnicodeCategory Category(int rune) => CharUnicodeInfo.GetUnicodeCategory(rune);

    static string Name(int rune) => Names[(int)Category(rune)];

    // Unicode's White_Space.
    static bool IsWhite(int rune) => rune is >= 9 and <= 13 or 0x20 or 0x85 or 0xA0 or 0x1680 or (>= 0x2000 and <= 0x200A) or 0x2028 or 0x2029 or 0x202F or 0x205F or 0x3000;
}
