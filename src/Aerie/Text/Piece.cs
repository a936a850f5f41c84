// What goes from step to step while a text is encoded: a part of it, and where its characters come from.
namespace Aerie.Text;

/// <summary>A part of the text; cutting it copies nothing.</summary>
/// <param name="Source">Holds its characters as they are by now, from <paramref name="From"/> to <paramref name="To"/>.</param>
/// <param name="From">Its first char in <paramref name="Source"/>.</param>
/// <param name="To">The end.</param>
/// <param name="AtStart">It starts with the first character of the whole input.</param>
/// <param name="Start">Place of its first character in the input.</param>
/// <param name="Origin">For each char of <paramref name="Source"/> and for its end the place in the input; null: counted from <paramref name="Start"/>.</param>
/// <param name="Known">False if nobody asks for places, or after a step that loses them.</param>
/// <param name="AsBytes">The model is meant to see its UTF-8 bytes in GPT-2's alphabet.</param>
readonly record struct Piece(string Source, int From, int To, bool AtStart, int Start, int[]? Origin, bool Known, bool AsBytes)
{
    internal Piece(string text, bool places) : this(text, 0, text.Length, AtStart: true, 0, null, places, AsBytes: false) { }

    internal int Length => To - From;

    internal ReadOnlySpan<char> Span => Source.AsSpan(From, To - From);

    /// <summary>The characters as a string of their own; a copy unless the piece is all of its source.</summary>
    internal string Text => Length == Source.Length ? Source : Source[From..To];

    internal Piece Cut(int from, int to) => this with { From = From + from, To = From + to, AtStart = AtStart && from == 0, Start = Start + from };

    /// <summary>The same place with other characters.</summary>
    internal Piece With(string text, int[]? origin) => this with { Source = text, From = 0, To = text.Length, Origin = origin };

    internal int Place(int index) => Origin is null ? Start + index : Origin[From + index];
}
