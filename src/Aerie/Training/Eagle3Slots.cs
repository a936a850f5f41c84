// Compaction: which rows each step computes. R_k = slots that still have a supervised depth >= k, so R_0 ⊇ R_1 ⊇ ...
// Keys of step 0 = attended positions of every document up to its last slot, densely, so that "visible" is an interval of keys for any mask.
// Nothing is shifted or padded; every tensor of step k has |R_k| rows and finds others by index. Rows that would drop out of a step stay in it
// while they are a hundredth of it: their results are read by nobody, and a copy of all other rows is saved.
namespace Aerie.Training;

/// <summary>The rows of one step.</summary>
sealed class Eagle3StepRows
{
    /// <summary>R_k (and the few that stay) as positions of the batch, ascending within documents.</summary>
    internal required int[] Slots { get; init; }

    /// <summary>Row of each slot among the rows of the step before (step 0: among the keys); null: the same rows.</summary>
    internal required int[]? FromPrevious { get; init; }

    /// <summary>[begin, end) of visible keys, two per slot.</summary>
    internal required int[] Intervals { get; init; }

    /// <summary>Row of each slot in step i, for i = 1 .. k.</summary>
    internal required int[][] ChainRows { get; init; }

    /// <summary>Position to rotate at.</summary>
    internal required int[] Positions { get; init; }

    /// <summary>Row of the embedded token in <see cref="Eagle3Slots.TokenIds"/>.</summary>
    internal required int[] Tokens { get; init; }

    /// <summary>Rows (within the step) that are supervised; null: all.</summary>
    internal required int[]? SupervisedRows { get; init; }

    /// <summary>The supervised slots.</summary>
    internal required int[] Supervised { get; init; }

    /// <summary>The position u whose distribution each supervised slot learns.</summary>
    internal required int[] Sources { get; init; }
}

/// <summary>The rows of all steps of a batch.</summary>
sealed class Eagle3Slots
{
    readonly Eagle3Batch batch;
    readonly SupervisionRules rules;
    readonly Dictionary<int, int> tokenRows = [];
    readonly List<int> tokenIds = [];
    readonly int[] positionIds;

    /// <param name="supervised">Is slot t supervised at step k?</param>
    /// <param name="window">Keys that position t+k sees, its own included; null: all.</param>
    /// <param name="slack">The share of a step's rows that may be of no use.</param>
    internal Eagle3Slots(Eagle3Batch batch, SupervisionRules rules, int steps, Func<int, int, bool> supervised, int? window, double slack)
    {
        (this.batch, this.rules) = (batch, rules);
        positionIds = batch.PositionIds.IsEmpty ? [.. Enumerable.Range(0, rules.DocumentOf.Length).Select(PositionInDocument)] : batch.PositionIds.ToArray();
        var depth = DepthOf(steps, supervised);
        var keyOf = PlaceKeys(depth, out var visible);
        KeyPositions = Array.ConvertAll(Keys, p => positionIds[p]);
        KeyTokens = Array.ConvertAll(Keys, p => TokenRow(p, 0));

        var all = new List<Eagle3StepRows>();
        int[] previous = Keys;
        var rowOf = keyOf;
        var rowsOf = new List<int[]>();
        for (var k = 0; k < steps; k++)
        {
            int[] slots = [.. previous.Where(t => depth[t] >= k)];
            if (slots.Length == 0) break;
            var same = slots.Length >= (1 - slack) * previous.Length;
            if (same) slots = previous;
            var from = same ? null : Array.ConvertAll(slots, t => rowOf[t]);
            var step = k;
            rowOf = same && k > 0 ? rowOf : RowsOf(slots);
            if (k > 0) rowsOf.Add(rowOf);
            int[] rows = [.. Enumerable.Range(0, slots.Length).Where(i => supervised(slots[i], step))];
            int[] taught = Array.ConvertAll(rows, i => slots[i]);
            all.Add(new Eagle3StepRows
            {
                Slots = slots,
                FromPrevious = from,
                Intervals = Intervals(slots, visible, k, window),
                ChainRows = [.. rowsOf.Select(of => Array.ConvertAll(slots, t => of[t]))],
                Positions = Array.ConvertAll(slots, t => positionIds[t] + step),
                Tokens = Array.ConvertAll(slots, t => TokenRow(t, step)),
                SupervisedRows = rows.Length == slots.Length ? null : rows,
                Supervised = taught,
                Sources = Array.ConvertAll(taught, t => rules.Source(t, step)),
            });
            previous = slots;
        }
        Steps = all;
    }

    /// <summary>The steps that have slots; later ones have none.</summary>
    internal IReadOnlyList<Eagle3StepRows> Steps { get; }

    /// <summary>Rows of step 0's keys, as positions of the batch.</summary>
    internal int[] Keys { get; private set; } = [];

    internal int[] KeyPositions { get; }

    internal int[] KeyTokens { get; }

    /// <summary>Every token that some row embeds, once: W_e norm(e) depends on the token alone.</summary>
    internal IReadOnlyList<int> TokenIds => tokenIds;

    /// <summary>The largest position that is rotated at, plus one.</summary>
    internal int PositionCount => Steps.Count == 0 ? 0 : Math.Max(KeyPositions.Max(), Steps.Max(s => s.Positions.Max())) + 1;

    int PositionInDocument(int p) => rules.DocumentOf[p] is >= 0 and var d ? p - rules.Start[d] : 0;

    // The last supervised depth of each slot, -1 without.
    int[] DepthOf(int steps, Func<int, int, bool> supervised)
    {
        var depth = new int[rules.DocumentOf.Length];
        for (var t = 0; t < depth.Length; t++)
        {
            depth[t] = steps - 1;
            while (depth[t] >= 0 && !supervised(t, depth[t])) depth[t]--;
        }
        return depth;
    }

    // Keys: attended positions up to the last slot of each document, then the slots that are no keys for anybody (padding that is supervised).
    // visible[t] = [first key of the document, keys up to t).
    int[] PlaceKeys(int[] depth, out (int Begin, int End)[] visible)
    {
        var n = depth.Length;
        var lastSlot = new int[rules.Start.Count];
        Array.Fill(lastSlot, -1);
        for (var t = 0; t < n; t++)
            if (depth[t] >= 0) lastSlot[rules.DocumentOf[t]] = t;
        var keys = new List<int>();
        var apart = new List<int>();
        visible = new (int, int)[n];
        var packed = batch.Documents is not null;
        for (var d = 0; d < lastSlot.Length; d++)
        {
            var begin = keys.Count;
            for (var p = rules.Start[d]; p <= lastSlot[d]; p++)
            {
                if (packed || SupervisionRules.IsReal(batch, p)) keys.Add(p);
                else if (depth[p] >= 0) apart.Add(p);
                visible[p] = (begin, keys.Count);
            }
        }
        Keys = [.. keys, .. apart];
        return RowsOf(Keys);
    }

    int[] RowsOf(int[] positions)
    {
        var rows = new int[rules.DocumentOf.Length];
        for (var i = 0; i < positions.Length; i++) rows[positions[i]] = i;
        return rows;
    }

    static int[] Intervals(int[] slots, (int Begin, int End)[] visible, int k, int? window)
    {
        var intervals = new int[2 * slots.Length];
        for (var i = 0; i < slots.Length; i++)
        {
            var (begin, end) = visible[slots[i]];
            // Position t + k sees keys above t + k - W; its own chain's keys are k of them.
            if (window is { } w) begin = Math.Min(end, Math.Max(begin, end - Math.Max(0, w - k)));
            (intervals[2 * i], intervals[2 * i + 1]) = (begin, end);
        }
        return intervals;
    }

    int TokenRow(int t, int k)
    {
        var u = rules.Source(t, k);
        var id = u < 0 ? 0 : batch.InputIds.Span[u];
        if (tokenRows.TryGetValue(id, out var row)) return row;
        tokenRows.Add(id, tokenIds.Count);
        tokenIds.Add(id);
        return tokenIds.Count - 1;
    }
}
