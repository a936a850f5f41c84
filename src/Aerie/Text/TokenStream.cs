// Text of tokens as they come: a piece is held back while it ends in U+FFFD, that is within a character.
namespace Aerie.Text;

/// <summary>Decodes one id after the other; pieces and rest together are the decoding of all ids.</summary>
public sealed class TokenStream(Tokenizer tokenizer, bool skipSpecialTokens = true)
{
    // Only a window is decoded: the ids whose text was last emitted (decoders look at what is before a token) and those held back.
    readonly List<int> window = [];
    int context;
    string contextText = "";

    /// <summary>The text that the id completes; empty while a character is not complete.</summary>
    public string Next(int id)
    {
        window.Add(id);
        var text = tokenizer.Decode(window, skipSpecialTokens, cleanUp: false);
        if (text.EndsWith('\uFFFD')) return "";
        var piece = Beyond(text);
        if (piece.Length > 0)
        {
            window.RemoveRange(0, context);
            contextText = tokenizer.Decode(window, skipSpecialTokens, cleanUp: false);
        }
        context = window.Count;
        return piece;
    }

    /// <summary>What is still held back.</summary>
    public string Rest()
    {
        var piece = Beyond(tokenizer.Decode(window, skipSpecialTokens, cleanUp: false));
        window.Clear();
        (context, contextText) = (0, "");
        return piece;
    }

    string Beyond(string text) => text.Length > contextText.Length ? text[contextText.Length..] : "";
}
