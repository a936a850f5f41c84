// What forward and backward attention share: checked intervals, runs of query rows with overlapping intervals, raw chain pointers.
namespace Aerie.Tensors.Cpu.Attention;

/// <summary>Keys and values of one later step: a row of its own for every query row.</summary>
unsafe struct AttentionChain
{
    public float* Keys, Values, KeyGradients, ValueGradients;
    public nint Stride;
    public int* Rows;

    public readonly float* Key(int row, int head, int d) => Keys + Rows[row] * Stride + (nint)head * d;
    public readonly float* Value(int row, int head, int d) => Values + Rows[row] * Stride + (nint)head * d;
}

static unsafe class AttentionPlan
{
    /// <summary>Splits the query rows into runs of at most <paramref name="most"/>; a new document or sequence begins a new run.</summary>
    public static int Runs(Tensor intervals, int rows, int keys, int most, AttentionRows* runs)
    {
        Check.That(intervals.Count == 2L * rows, $"{intervals} intervals for {rows} query rows");
        var at = intervals.I32;
        var count = 0;
        AttentionRows run = default;
        for (var r = 0; r < rows; r++)
        {
            var (begin, end) = (at[2 * r], at[2 * r + 1]);
            if (begin >= end) begin = end = 0;
            Check.That(begin >= 0 && end <= keys, $"query row {r} sees keys {begin}..{end} of {keys}");
            var apart = begin < end && run.Begin < run.End && (begin >= run.End || end <= run.Begin);
            if (run.Count == most || run.Count > 0 && apart)
            {
                runs[count++] = run;
                run = default;
            }
            if (run.Count == 0) run.First = r;
            run.Count++;
            if (begin >= end) continue;
            (run.Begin, run.End) = run.Begin < run.End ? (Math.Min(run.Begin, begin), Math.Max(run.End, end)) : (begin, end);
        }
        if (run.Count > 0) runs[count++] = run;
        return count;
    }

    public static void Chain(HeadLayout layout, ReadOnlySpan<ChainKeys> chain, int rows, ReadOnlySpan<Tensor> gradients, AttentionChain* raw)
    {
        for (var i = 0; i < chain.Length; i++)
        {
            var (keys, own) = chain[i];
            Check.That(own.Count == rows, $"{own} rows of chain step {i + 1} for {rows} query rows");
            foreach (var row in own.I32) Check.That((uint)row < (uint)keys.Rows, $"row {row} of {keys} in chain step {i + 1}");
            raw[i] = new() { Keys = keys.Floats + layout.KeyColumn, Values = keys.Floats + layout.ValueColumn, Stride = keys.Cols, Rows = (int*)own.Address };
            if (gradients.IsEmpty) continue;
            raw[i].KeyGradients = gradients[i].Floats + layout.KeyColumn;
            raw[i].ValueGradients = gradients[i].Floats + layout.ValueColumn;
        }
    }
}
