// What goes from step to step while a text is encoded: a part of it, and where its characters come from.
namespace Aerie.Text;

/// <summary>A part of the text.</summary>
/// <param name="Text">Its characters as they are by now.</param>
/// <param name="AtStart">It starts with the first character of the whole input.</param>
/// <param name="Start">Place of its first character in the input.</param>
/// <param name="Origin">For each char of <paramref name="Text"/> and for its end the place in the input; null: counted from <paramref name="Start"/>.</param>
/// <param name="Known">False after a step that loses the places.</param>
readonly record struct Piece(string Text, bool AtStart, int Start, int[]? Origin = null, bool Known = true)
{
    internal Piece Cut(int from, int to) => new(Text[from..to], AtStart && from == 0, Start + from, Origin?[from..(to + 1)], Known);

    internal int Place(int index) => Origin is null ? Start + index : Origin[index];
}

/// <summary>What becomes of the matches of a pattern and of the gaps between them.</summary>
enum SplitBehavior { Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext }

static class Splitting
{
    internal static SplitBehavior Behavior(ComponentJson json, SplitBehavior? otherwise = null) => json.TextOrNull("behavior") is not { } name
        ? otherwise ?? throw json.Bad("has no 'behavior'")
        : Enum.TryParse<SplitBehavior>(name, out var behavior) && Enum.IsDefined(behavior) && !char.IsDigit(name[0]) ? behavior : throw json.Bad($"there is no behaviour '{name}'");

    /// <summary>Cuts a piece at matches (sorted, apart from each other); empty parts vanish.</summary>
    internal static void Split(Piece piece, List<(int Start, int End)> matches, SplitBehavior behavior, bool invert, List<Piece> to)
    {
        // Matches and gaps alternate; with `invert` they change roles.
        var parts = new List<(int Start, int End, bool Match)>();
        var at = 0;
        foreach (var (start, end) in matches)
        {
            if (start > at) parts.Add((at, start, invert));
            parts.Add((start, end, !invert));
            at = end;
        }
        if (at < piece.Text.Length) parts.Add((at, piece.Text.Length, invert));

        var joined = new List<(int Start, int End, bool Match)>();
        for (var i = 0; i < parts.Count; i++)
        {
            var part = parts[i];
            if (behavior == SplitBehavior.Removed && part.Match) continue;
            var joins = i > 0 && behavior switch
            {
                SplitBehavior.Contiguous => parts[i - 1].Match == part.Match,
                SplitBehavior.MergedWithPrevious => part.Match && !parts[i - 1].Match,
                SplitBehavior.MergedWithNext => !part.Match && parts[i - 1].Match,
                _ => false,
            };
            if (joins) joined[^1] = (joined[^1].Start, part.End, part.Match);
            else joined.Add(part);
        }
        foreach (var (start, end, _) in joined) to.Add(piece.Cut(start, end));
    }
}
