// Byte-level BPE training (Sennrich, Haddow, Birch 2016): start from the 256 bytes, join the most frequent neighbours, repeat.
// Text is cut as the tokenizer will cut it: every digit by itself, the rest by GPT-2's pattern. The corpus has few different words,
// so pairs are simply counted anew for every merge.
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Aerie.Fledgling;

internal sealed partial class BytePairTrainer
{
    readonly Dictionary<string, int> words = [];

    /// <summary>GPT-2's pattern, as the tokenizer's ByteLevel step has it built in. The corpus is ASCII, where .NET's classes agree with it.</summary>
    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Pieces();

    [GeneratedRegex(@"[0-9]|[^0-9]+")]
    private static partial Regex Digits();

    /// <summary>The pieces of a text that tokens never cross.</summary>
    public static IEnumerable<string> Cut(string text) =>
        Digits().Matches(text).SelectMany(run => Pieces().Matches(run.Value)).Select(piece => piece.Value);

    /// <summary>The character that stands for each byte in a byte-level vocabulary: itself if printable, else U+0100 and on.</summary>
    public static string[] ByteSymbols()
    {
        var symbols = new string[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is >= 0x21 and <= 0x7E or >= 0xA1 and <= 0xAC or >= 0xAE;
            symbols[value] = ((char)(printable ? value : next++)).ToString();
        }
        return symbols;
    }

    public void Add(string text)
    {
        foreach (string piece in Cut(text))
            words[piece] = words.GetValueOrDefault(piece) + 1;
    }

    /// <summary>The merges in order of rank, at most <paramref name="count"/>; fewer if no pair occurs twice any more. Ties go to the ordinally smallest pair.</summary>
    public List<(string Left, string Right)> Merges(int count)
    {
        string[] symbols = ByteSymbols();
        var texts = words.OrderBy(word => word.Key, StringComparer.Ordinal)
            .Select(word => (Parts: Encoding.UTF8.GetBytes(word.Key).Select(value => symbols[value]).ToList(), Count: word.Value)).ToList();
        var merges = new List<(string, string)>();
        while (merges.Count < count)
        {
            var pairs = new Dictionary<(string, string), int>();
            foreach ((List<string> parts, int occurrences) in texts)
                for (int i = 0; i + 1 < parts.Count; i++)
                    pairs[(parts[i], parts[i + 1])] = pairs.GetValueOrDefault((parts[i], parts[i + 1])) + occurrences;
            (string Left, string Right) best = ("", "");
            int most = 1;
            foreach (((string, string) pair, int occurrences) in pairs)
                if (occurrences > most || (occurrences == most && most > 1 && Compare(pair, best) < 0))
                    (best, most) = (pair, occurrences);
            if (most < 2)
                break;
            merges.Add(best);
            foreach ((List<string> parts, _) in texts)
                Join(parts, best);
        }
        return merges;
    }

    static int Compare((string, string) a, (string, string) b)
    {
        int first = string.CompareOrdinal(a.Item1, b.Item1);
        return first != 0 ? first : string.CompareOrdinal(a.Item2, b.Item2);
    }

    static void Join(List<string> parts, (string Left, string Right) pair)
    {
        for (int i = 0; i + 1 < parts.Count; i++)
            if (parts[i] == pair.Left && parts[i + 1] == pair.Right)
            {
                parts[i] += parts[i + 1];
                parts.RemoveAt(i + 1);
            }
    }
}
