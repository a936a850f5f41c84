// What a regular expression consists of, after parsing.
namespace Aerie.Text.Patterns;

enum LoopKind { Greedy, Lazy, Possessive }

enum Place { LineStart, LineEnd, TextStart, TextEnd }

abstract record PatternNode
{
    /// <summary>Can it match nothing?</summary>
    internal abstract bool CanBeEmpty { get; }

    /// <summary>The number of characters it matches, if that is always the same; else -1.</summary>
    internal abstract int FixedLength { get; }

    /// <summary>A set that holds the first character of every match that is not empty; null: not known.</summary>
    internal virtual RuneSet? First => null;

    internal sealed record One(RuneSet Set) : PatternNode
    {
        internal override bool CanBeEmpty => false;
        internal override int FixedLength => 1;
        internal override RuneSet? First => Set;
    }

    internal sealed record At(Place Place) : PatternNode
    {
        internal override bool CanBeEmpty => true;
        internal override int FixedLength => 0;
    }

    internal sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        internal override bool CanBeEmpty => Parts.All(p => p.CanBeEmpty);
        internal override int FixedLength => Parts.Any(p => p.FixedLength < 0) ? -1 : Parts.Sum(p => p.FixedLength);

        internal override RuneSet? First
        {
            get
            {
                var sets = new List<RuneSet?>();
                foreach (var part in Parts.Where(p => p is not (At or Look)))
                {
                    sets.Add(part.First);
                    if (!part.CanBeEmpty) break;
                }
                return RuneSet.Union(sets);
            }
        }
    }

    internal sealed record Either(IReadOnlyList<PatternNode> Parts) : PatternNode
    {
        internal override bool CanBeEmpty => Parts.Any(p => p.CanBeEmpty);
        internal override int FixedLength => Parts.Select(p => p.FixedLength).Distinct().Count() == 1 ? Parts[0].FixedLength : -1;
        internal override RuneSet? First => RuneSet.Union([.. Parts.Select(p => p.First)]);
    }

    /// <summary>Max is -1 for no limit.</summary>
    internal sealed record Loop(PatternNode Body, int Min, int Max, LoopKind Kind) : PatternNode
    {
        internal override bool CanBeEmpty => Min == 0 || Body.CanBeEmpty;
        internal override int FixedLength => Min == Max && Body.FixedLength >= 0 ? Min * Body.FixedLength : -1;
        internal override RuneSet? First => Body.First;
    }

    internal sealed record Atomic(PatternNode Body) : PatternNode
    {
        internal override bool CanBeEmpty => Body.CanBeEmpty;
        internal override int FixedLength => Body.FixedLength;
        internal override RuneSet? First => Body.First;
    }

    internal sealed record Look(PatternNode Body, bool Behind, bool Negative) : PatternNode
    {
        internal override bool CanBeEmpty => true;
        internal override int FixedLength => 0;
    }
}
