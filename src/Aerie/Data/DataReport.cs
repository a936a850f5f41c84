// What became of the data of a run: how much was read, kept, cut, dropped and why, and how long it is.
namespace Aerie.Data;

/// <summary>What became of the data.</summary>
public sealed class DataReport
{
    readonly SortedDictionary<string, int> dropped = new(StringComparer.Ordinal);
    readonly SortedDictionary<int, int> lengths = [];

    /// <summary>Conversations read.</summary>
    public int Read { get; private set; }

    /// <summary>Rows of tokens that are trained on.</summary>
    public int Kept { get; private set; }

    /// <summary>Rows that were cut at the sequence length, kept or not.</summary>
    public int Cut { get; private set; }

    /// <summary>Tokens of the kept rows.</summary>
    public long Tokens { get; private set; }

    /// <summary>Supervised tokens of the kept rows.</summary>
    public long Supervised { get; private set; }

    /// <summary>How many rows were dropped, by reason.</summary>
    public IReadOnlyDictionary<string, int> Dropped => dropped;

    /// <summary>Supervised tokens by domain; "" for rows without one.</summary>
    public SortedDictionary<string, long> Domains { get; } = new(StringComparer.Ordinal);

    /// <summary>Rows by length before the cut: those of n to 2n - 1 tokens under n, a power of two.</summary>
    public IReadOnlyDictionary<int, int> Lengths => lengths;

    /// <summary>Tokens of the longest row before the cut.</summary>
    public int Longest { get; private set; }

    /// <summary>Where the longest row comes from.</summary>
    public string LongestSource { get; private set; } = "";

    /// <summary>Share of supervised tokens; 0 when there are none.</summary>
    public double SupervisedShare => Tokens == 0 ? 0 : (double)Supervised / Tokens;

    internal void BeginConversation() => Read++;

    internal void Drop(string reason) => dropped[reason] = dropped.GetValueOrDefault(reason) + 1;

    /// <summary>Counts a row; null: it is kept, else why it is dropped.</summary>
    internal void Add(TokenizedConversation row, string? dropReason)
    {
        if (row.WasCut) Cut++;
        if (row.FullLength > Longest) (Longest, LongestSource) = (row.FullLength, row.Source);
        var bucket = row.FullLength == 0 ? 0 : 1 << int.Log2(row.FullLength);
        lengths[bucket] = lengths.GetValueOrDefault(bucket) + 1;
        if (dropReason is not null)
        {
            Drop(dropReason);
            return;
        }
        Kept++;
        Tokens += row.Ids.Length;
        Supervised += row.Supervised;
        Domains[row.Domain ?? ""] = Domains.GetValueOrDefault(row.Domain ?? "") + row.Supervised;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Read} conversations read, {Kept} rows kept ({Tokens} tokens, {100 * SupervisedShare:0.0} % supervised), {Cut} cut")
        + string.Concat(Dropped.Select(d => FormattableString.Invariant($"; {d.Value} dropped: {d.Key}")));
}
