// Tokens that are found in the text before anything else: leftmost, then longest, by their contents alone; then their flags decide.
using System.Buffers;
using System.Text;
using Aerie.Text.Patterns;

namespace Aerie.Text;

/// <summary>A token that stands beside the model's vocabulary.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="Special">Control token: left out of decoded text on demand.</param>
/// <param name="SingleWord">Only found where no word character touches it.</param>
/// <param name="LeftStrip">Swallows the white space before it.</param>
/// <param name="RightStrip">Swallows the white space after it.</param>
/// <param name="Normalized">Searched in the normalised text.</param>
public sealed record AddedToken(int Id, string Content, bool Special, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized);

/// <summary>Finds added tokens in a text.</summary>
sealed class AddedTokenFinder
{
    sealed class Node
    {
        internal readonly Dictionary<char, Node> Next = [];
        internal AddedToken? Token;
    }

    readonly Node root = new();
    readonly SearchValues<char> firsts;

    /// <param name="tokens">The tokens, with the text to look for.</param>
    internal AddedTokenFinder(IEnumerable<(AddedToken Token, string Content)> tokens)
    {
        foreach (var (token, content) in tokens)
        {
            if (content.Length == 0) continue;
            var node = root;
            foreach (var c in content) node = node.Next.TryGetValue(c, out var next) ? next : node.Next[c] = new Node();
            node.Token ??= token;
        }
        firsts = SearchValues.Create([.. root.Next.Keys]);
    }

    /// <summary>The tokens in the piece (Token set) and what lies between them (Token null), in order.</summary>
    internal List<(Piece Piece, AddedToken? Token)> Find(Piece piece, bool splitSpecial)
    {
        var text = piece.Span;
        var parts = new List<(Piece, AddedToken?)>();
        int at = 0, done = 0;
        while (true)
        {
            var skip = text[at..].IndexOfAny(firsts);
            if (skip < 0) break;
            at += skip;
            var (token, end) = Longest(text, at);
            if (token is null)
            {
                at++;
                continue;
            }
            var start = at;
            at = end;
            if ((splitSpecial && token.Special) || (token.SingleWord && (WordBefore(text, start) || WordAfter(text, end)))) continue;
            if (token.LeftStrip)
            {
                while (start > done && RuneSet.White.Contains(text[start - 1])) start--;
            }
            if (token.RightStrip)
            {
                while (end < text.Length && RuneSet.White.Contains(text[end])) end++;
            }
            // A token in what another one has swallowed on its right is found too; what it leaves of that is text again.
            if (start > done) parts.Add((piece.Cut(done, start), null));
            parts.Add((piece.Cut(start, end), token));
            done = end;
        }
        if (done < text.Length) parts.Add((piece.Cut(done, text.Length), null));
        return parts;
    }

    (AddedToken? Token, int End) Longest(ReadOnlySpan<char> text, int at)
    {
        (AddedToken?, int) found = (null, at);
        var node = root;
        for (var i = at; i < text.Length && node.Next.TryGetValue(text[i], out var next); i++)
        {
            node = next;
            if (node.Token is not null) found = (node.Token, i + 1);
        }
        return found;
    }

    static bool WordBefore(ReadOnlySpan<char> text, int at) => at > 0 && Rune.DecodeLastFromUtf16(text[..at], out var rune, out _) == OperationStatus.Done && RuneSet.RustWord.Contains(rune.Value);

    static bool WordAfter(ReadOnlySpan<char> text, int at) => at < text.Length && Rune.DecodeFromUtf16(text[at..], out var rune, out _) == OperationStatus.Done && RuneSet.RustWord.Contains(rune.Value);
}
