// Patterns of file names as Python's fnmatch has them, on the whole path: * crosses slashes, ? is one character, [abc] [a-z] [!a] are sets,
// case counts, and a pattern that ends in / means everything below.
using System.Text;
using System.Text.RegularExpressions;

namespace Aerie.Hub;

/// <summary>Which files of a repository are wanted.</summary>
sealed class FilePatterns
{
    readonly Regex[]? allow;
    readonly Regex[] ignore;

    /// <param name="allow">At least one must match; null: every file is wanted.</param>
    /// <param name="ignore">None may match.</param>
    public FilePatterns(IEnumerable<string>? allow = null, IEnumerable<string>? ignore = null) => (this.allow, this.ignore) = (allow?.Select(Compile).ToArray(), [.. (ignore ?? []).Select(Compile)]);

    /// <summary>Is the file wanted?</summary>
    public bool Match(string path) => (allow is null || allow.Any(p => p.IsMatch(path))) && !ignore.Any(p => p.IsMatch(path));

    static Regex Compile(string pattern)
    {
        if (pattern.EndsWith('/')) pattern += "*";
        var text = new StringBuilder(@"\A");
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            var end = c == '[' && i + 2 < pattern.Length ? pattern.IndexOf(']', i + (pattern[i + 1] == '!' ? 3 : 2)) : -1;
            if (c == '*') text.Append(".*");
            else if (c == '?') text.Append('.');
            else if (end > 0)
            {
                var set = pattern[(i + 1)..end].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal).Replace("^", "\\^", StringComparison.Ordinal);
                text.Append('[').Append(set[0] == '!' ? $"^{set[1..]}" : set).Append(']');
                i = end;
            }
            else text.Append(Regex.Escape(c.ToString()));
        }
        // Linear in the path whatever the pattern.
        return new Regex(text.Append(@"\z").ToString(), RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }
}
