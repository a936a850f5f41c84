// The nearest of some known words, for error messages. Distance: insert, delete, replace, swap of neighbours (Damerau, optimal string alignment).
namespace Aerie;

/// <summary>Finds the known word that was probably meant.</summary>
public static class DidYouMean
{
    /// <summary>The nearest word, or null if none is near.</summary>
    public static string? Nearest(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > 100) return null;
        var lower = word.ToLowerInvariant();
        var best = known.Select(k => (Word: k, Distance: Distance(lower, k.ToLowerInvariant()))).OrderBy(p => p.Distance).FirstOrDefault();
        return best.Word is not null && best.Distance <= (word.Length < 4 ? 1 : Math.Max(2, word.Length / 3)) ? best.Word : null;
    }

    /// <summary>"Did you mean `x`?", or <paramref name="otherwise"/>.</summary>
    public static string? Hint(string word, IEnumerable<string> known, string? otherwise = null) =>
        Nearest(word, known) is { } near ? $"Did you mean `{near}`?" : otherwise;

    static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
            for (var j = 1; j <= b.Length; j++)
            {
                d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        return d[a.Length, b.Length];
    }
}
