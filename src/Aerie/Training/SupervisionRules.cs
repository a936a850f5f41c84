// Which slot is gated at which step, from masks and documents alone. o = 1 in the document frame, 0 in the trainer frame.
//   Text        m[t+o+k] and m[t+o+k+1], position t+2+k in the document       AutoModel   m[t+o+k], position t+1+k in the document
//   SpecForge   m[t+k], m of each row's last real token cleared first
// A gated slot whose target is outside the draft vocabulary is not supervised, but counts as a miss.
namespace Aerie.Training;

/// <summary>The gates of a batch, and the position u = t + o + k whose token slot t embeds and whose distribution it learns.</summary>
sealed class SupervisionRules
{
    readonly Eagle3Batch batch;
    readonly MaskSemantics semantics;
    readonly bool[] mask;
    readonly int[] remaining;                                   // tokens after this one in its document

    internal SupervisionRules(Eagle3Batch batch, MaskSemantics semantics)
    {
        (this.batch, this.semantics) = (batch, semantics);
        Offset = batch.Frame == Eagle3Frame.Document ? 1 : 0;
        mask = batch.LossMask.ToArray();
        if (semantics == MaskSemantics.SpecForge)
        {
            if (batch.Frame == Eagle3Frame.Trainer) throw new ArgumentException("SpecForge's mask needs the document frame");
            ClearLastRealTokens();
        }
        (DocumentOf, Start) = DocumentsOf(batch);
        remaining = RemainingOf(batch, DocumentOf);
    }

    internal int Offset { get; }

    /// <summary>Number of the document of each position [B·T]; -1: none.</summary>
    internal int[] DocumentOf { get; }

    /// <summary>First position of each document.</summary>
    internal List<int> Start { get; }

    /// <summary>The position u of slot t at step k; -1 past the end of the row.</summary>
    internal int Source(int t, int k)
    {
        var column = t % batch.Length + Offset + k;
        return column < batch.Length ? t + Offset + k : -1;
    }

    internal bool Gate(int t, int k)
    {
        var u = Source(t, k);
        if (u < 0 || DocumentOf[t] < 0 || remaining[t] < k + 1) return false;
        return semantics switch
        {
            MaskSemantics.AutoModel => mask[u],
            MaskSemantics.SpecForge => mask[t + k],
            _ => mask[u] && remaining[t] >= k + 2 && Source(t, k + 1) is >= 0 and var next && mask[next],
        };
    }

    void ClearLastRealTokens()
    {
        for (var row = 0; row < batch.Rows; row++)
        {
            var last = batch.Length - 1;
            while (last >= 0 && !IsReal(batch, row * batch.Length + last)) last--;
            if (last >= 0) mask[row * batch.Length + last] = false;
        }
    }

    internal static bool IsReal(Eagle3Batch batch, int p) => batch.AttentionMask.IsEmpty || batch.AttentionMask.Span[p];

    static (int[] Of, List<int> Start) DocumentsOf(Eagle3Batch batch)
    {
        var of = new int[batch.Rows * batch.Length];
        Array.Fill(of, -1);
        var start = new List<int>();
        for (var row = 0; row < batch.Rows; row++)
        {
            var at = row * batch.Length;
            foreach (var length in batch.Documents?[row] ?? [batch.Length])
            {
                if (length == 0) continue;
                Array.Fill(of, start.Count, at, length);
                start.Add(at);
                at += length;
            }
        }
        return (of, start);
    }

    static int[] RemainingOf(Eagle3Batch batch, int[] documentOf)
    {
        if (!batch.DocumentRemaining.IsEmpty) return batch.DocumentRemaining.ToArray();
        var remaining = new int[documentOf.Length];
        for (var p = documentOf.Length - 2; p >= 0; p--)
            remaining[p] = documentOf[p] >= 0 && documentOf[p] == documentOf[p + 1] ? remaining[p + 1] + 1 : 0;
        return remaining;
    }
}
