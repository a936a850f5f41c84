// Where the pieces of one text arrive: each is encoded and its ids, and where asked for their places, are written down.
namespace Aerie.Text;

/// <param name="model">Encodes the pieces.</param>
/// <param name="tokens">Token strings by id.</param>
/// <param name="ids">Where the ids go.</param>
/// <param name="places">Where the chars [start, end) of each token go; null if nobody asks.</param>
sealed class IdWriter(TokenModel model, IReadOnlyDictionary<int, string> tokens, List<int> ids, List<(int Start, int End)>? places)
{
    internal void Write(AddedToken token, in Piece piece)
    {
        ids.Add(token.Id);
        places?.Add((piece.Place(0), piece.Place(piece.Length)));
    }

    internal void Write(in Piece piece)
    {
        if (piece.Length == 0) return;
        var from = ids.Count;
        model.Encode(piece, ids);
        if (places is not null) Place(piece.AsBytes ? ByteAlphabet.Map(piece) : piece, from, places);
    }

    // The tokens of a piece, one after the other, are its text: so it is in every byte-level vocabulary.
    void Place(in Piece piece, int from, List<(int Start, int End)> to)
    {
        var at = 0;
        foreach (var id in ids[from..])
        {
            var end = at + tokens[id].Length;
            if (!piece.Known || end > piece.Length) throw new AerieException("this tokenizer does not keep the places of its tokens in the text, which {% generation %} needs");
            to.Add((piece.Place(at), EndOf(piece, end)));
            at = end;
        }
    }

    // A token that ends within a character's bytes covers the character.
    static int EndOf(in Piece piece, int index)
    {
        var last = piece.Place(index - 1);
        while (index < piece.Length && piece.Place(index) == last) index++;
        return piece.Place(index);
    }
}
