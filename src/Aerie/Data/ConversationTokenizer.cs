// All conversations of a run: text -> tokens and loss masks, and an account of what was kept.
using Aerie.Text;

namespace Aerie.Data;

/// <summary>What became of the data.</summary>
public sealed class DataReport
{
    readonly SortedDictionary<string, int> dropped = new(StringComparer.Ordinal);

    /// <summary>Conversations read.</summary>
    public int Read { get; internal set; }

    /// <summary>Rows of tokens that are trained on.</summary>
    public int Kept { get; internal set; }

    /// <summary>Rows that were cut at the sequence length.</summary>
    public int Cut { get; internal set; }

    /// <summary>Tokens of the kept rows.</summary>
    public long Tokens { get; internal set; }

    /// <summary>Supervised tokens of the kept rows.</summary>
    public long Supervised { get; internal set; }

    /// <summary>How many rows were dropped, by reason.</summary>
    public IReadOnlyDictionary<string, int> Dropped => dropped;

    /// <summary>Supervised tokens by domain; "" for rows without one.</summary>
    public SortedDictionary<string, long> Domains { get; } = new(StringComparer.Ordinal);

    /// <summary>Share of supervised tokens; 0 when there are none.</summary>
    public double SupervisedShare => Tokens == 0 ? 0 : (double)Supervised / Tokens;

    internal void Drop(string reason) => dropped[reason] = dropped.GetValueOrDefault(reason) + 1;

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Read} conversations read, {Kept} rows kept ({Tokens} tokens, {100 * SupervisedShare:0.0} % supervised), {Cut} cut")
        + string.Concat(Dropped.Select(d => FormattableString.Invariant($"; {d.Value} dropped: {d.Key}")));
}

/// <summary>Turns the conversations of a run into tokens.</summary>
public static class ConversationTokenizer
{
    /// <summary>Tokens and masks of all conversations that have something to learn, and what became of the rest.</summary>
    /// <exception cref="AerieException">Nothing is left to learn from, or a conversation does not fit the template.</exception>
    public static (List<TokenizedConversation> Rows, DataReport Report) Tokenize(IEnumerable<Conversation> conversations, Tokenizer tokenizer, ChatTemplate template, LossMaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(conversations);
        var (masks, rows, report) = (new LossMask(tokenizer, template, options), new List<TokenizedConversation>(), new DataReport());
        foreach (var conversation in conversations)
        {
            report.Read++;
            var found = masks.Rows(conversation);
            if (found.Count == 0) report.Drop(conversation.HasAnswer ? "no answer fits, or the template hides them" : "no assistant turn");
            foreach (var row in found)
            {
                if (row.WasCut) report.Cut++;
                // The drafter predicts a supervised token from the one before it.
                if (row.Supervised < 2) report.Drop(row.WasCut ? "the answer begins after the cut" : row.Supervised == 0 && options.Rule == LossMaskRule.SpecForge ? "no header of an answer in the text" : "no answer to learn from");
                else Keep(row);
            }
        }
        if (report.Read == 0) throw new AerieException("there are no conversations");
        return rows.Count > 0 ? (rows, report) : throw new AerieException($"nothing is left to learn from: {report}", "Longer sequences, or data with answers by the assistant.");

        void Keep(TokenizedConversation row)
        {
            rows.Add(row);
            report.Kept++;
            report.Tokens += row.Ids.Length;
            report.Supervised += row.Supervised;
            report.Domains[row.Domain ?? ""] = report.Domains.GetValueOrDefault(row.Domain ?? "") + row.Supervised;
        }
    }
}
