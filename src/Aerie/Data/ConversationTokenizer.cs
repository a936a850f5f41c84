// All conversations of a run: text -> tokens and loss masks, several at once, in their order; and an account of what was kept.
using Aerie.Tensors.Cpu;
using Aerie.Text;

namespace Aerie.Data;

/// <summary>Turns the conversations of a run into tokens.</summary>
public static class ConversationTokenizer
{
    /// <summary>Tokens and masks of all conversations that have something to learn, and what became of the rest.</summary>
    /// <exception cref="AerieException">Nothing is left to learn from, or a conversation does not fit the template.</exception>
    public static (List<TokenizedConversation> Rows, DataReport Report) Tokenize(IEnumerable<Conversation> conversations, Tokenizer tokenizer, ChatTemplate template, LossMaskOptions options)
    {
        var (rows, report) = (new List<TokenizedConversation>(), new DataReport());
        foreach (var found in Each(conversations, new LossMask(tokenizer, template, options)))
        {
            if (found.Problem is { } problem) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem);
            rows.AddRange(Count(report, found, options));
        }
        if (report.Read == 0) throw new AerieException("there are no conversations");
        return rows.Count > 0 ? (rows, report) : throw new AerieException($"nothing is left to learn from: {report}", "Longer sequences, or data with answers by the assistant.");
    }

    /// <summary>The account only; a conversation that a run would stop at is counted as dropped, under what is wrong with it. Kept rows are added to <paramref name="counts"/>.</summary>
    public static DataReport Account(IEnumerable<Conversation> conversations, Tokenizer tokenizer, ChatTemplate template, LossMaskOptions options, TokenCounts? counts = null, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        var report = new DataReport();
        foreach (var found in Each(conversations, new LossMask(tokenizer, template, options)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (found.Problem is not { } problem)
            {
                foreach (var row in Count(report, found, options)) counts?.Add(row.Ids, row.LossMask);
            }
            else
            {
                report.BeginConversation();
                report.Drop(Refused(found.Conversation, problem));
            }
            progress?.Report(report.Read);
        }
        return report;
    }

    /// <summary>What is wrong with a conversation, without its place.</summary>
    public static string Refused(Conversation conversation, AerieException problem)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        ArgumentNullException.ThrowIfNull(problem);
        return conversation.Source.Length > 0 && problem.Message.StartsWith(conversation.Source, StringComparison.Ordinal) ? problem.Message[conversation.Source.Length..].TrimStart(':', ' ') : problem.Message;
    }

    /// <summary>Why nothing is learnt from a row; null if something is.</summary>
    public static string? WhyDropped(TokenizedConversation row, LossMaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(options);
        // The drafter predicts a supervised token from the one before it.
        if (row.Supervised >= 2) return null;
        return row.WasCut ? "the answer begins after the cut" : row.Supervised == 0 && options.Rule == LossMaskRule.SpecForge ? "no header of an answer in the text" : "no answer to learn from";
    }

    /// <summary>Why a conversation gives no rows at all.</summary>
    public static string WhyNothing(Conversation conversation, LossMaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        ArgumentNullException.ThrowIfNull(options);
        return !conversation.HasAnswer ? "no assistant turn" : options.Rule == LossMaskRule.Speculators ? "no answer fits the length, or the template rewrites earlier turns" : "the template hides the answers";
    }

    static List<TokenizedConversation> Count(DataReport report, Found found, LossMaskOptions options)
    {
        report.BeginConversation();
        if (found.Rows.Count == 0) report.Drop(WhyNothing(found.Conversation, options));
        var kept = new List<TokenizedConversation>();
        foreach (var row in found.Rows)
        {
            var reason = WhyDropped(row, options);
            report.Add(row, reason);
            if (reason is null) kept.Add(row);
        }
        return kept;
    }

    readonly record struct Found(Conversation Conversation, IReadOnlyList<TokenizedConversation> Rows, AerieException? Problem);

    // In order, whatever the number of threads; what a conversation throws comes with it, so the first in order is the one that is told.
    static ParallelQuery<Found> Each(IEnumerable<Conversation> conversations, LossMask masks)
    {
        ArgumentNullException.ThrowIfNull(conversations);
        return conversations.AsParallel().AsOrdered().WithDegreeOfParallelism(Math.Clamp(Threads.Count, 1, 512)).Select(conversation =>
        {
            try
            {
                return new Found(conversation, masks.Rows(conversation), null);
            }
            catch (AerieException problem)
            {
                return new Found(conversation, [], problem);
            }
        });
    }
}
