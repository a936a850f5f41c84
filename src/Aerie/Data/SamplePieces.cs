// A row of tokens as text that a person reads: stretches of context and of supervised text, control tokens apart.
using System.Text;
using Aerie.Text;

namespace Aerie.Data;

/// <summary>A stretch of a row.</summary>
/// <param name="Text">Its text; a character that is torn between two stretches is in the second.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Supervised">It is supervised; else context.</param>
/// <param name="Special">It is control tokens.</param>
public readonly record struct SamplePiece(string Text, int Tokens, bool Supervised, bool Special);

/// <summary>Splits rows into stretches.</summary>
public static class SamplePieces
{
    /// <summary>The stretches of a row, in order; their texts together are the text of all its tokens.</summary>
    public static IReadOnlyList<SamplePiece> Of(TokenizedConversation row, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var pieces = new List<SamplePiece>();
        var stream = new TokenStream(tokenizer, skipSpecialTokens: false);
        var (text, start) = (new StringBuilder(), 0);
        for (var t = 0; t < row.Ids.Length; t++)
        {
            if (t > start && (row.LossMask[t] != row.LossMask[start] || IsSpecial(t) != IsSpecial(start))) End(t);
            text.Append(stream.Next(row.Ids[t]));
        }
        text.Append(stream.Rest());
        if (start < row.Ids.Length) End(row.Ids.Length);
        return pieces;

        bool IsSpecial(int t) => tokenizer.AddedTokens.TryGetValue(row.Ids[t], out var token) && token.Special;
        void End(int t)
        {
            pieces.Add(new(text.ToString(), t - start, row.LossMask[start], IsSpecial(start)));
            text.Clear();
            start = t;
        }
    }
}
