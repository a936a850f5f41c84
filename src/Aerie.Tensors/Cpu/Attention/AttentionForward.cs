// Forward attention. Keys come in blocks of 64 that begin at multiples of 64. A block gives each row a partial result: its own maximum m,
// l = Σ exp(s − m) and Σ exp(s − m) v; partial results are merged in ascending order:
//   M' = max(M, m)   acc = acc · e^(M − M') + part · e^(m − M')
// and the chain's keys come last, as blocks of their own, then a head's sink. So a row's bits are a function of its query, its interval and those keys alone: not of
// the other rows of the call, of threads, or of whether the blocks ran one after another (many rows) or spread over threads (few rows, many keys).
using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu.Attention;

static class AttentionBlock
{
    /// <summary>Keys of a block: 64 keys of 64 floats, transposed, and as many values fit into a 48 KB first-level cache with a panel's scores.</summary>
    public const int Keys = 64;

    /// <summary>Rows (query row and head) whose scores are made, turned into weights and used while they are in the cache.</summary>
    public const int Panel = 16;

    /// <summary>Rows (query row and head) that share a transposed block of keys.</summary>
    public const int Rows = 128;
}

/// <summary>Query rows that are worked on together: consecutive, with overlapping intervals.</summary>
struct AttentionRows
{
    public int First, Count, Begin, End;

    /// <summary>First block of keys, and how many.</summary>
    public readonly int FirstBlock => Begin / AttentionBlock.Keys;
    public readonly int BlockCount => End > Begin ? (End - 1) / AttentionBlock.Keys + 1 - FirstBlock : 0;

    /// <summary>Where the partial results of the run's key blocks begin, per key head.</summary>
    public long Partials;
}

/// <summary>One call's arguments and the loop over (query rows, key head[, range of key blocks]).</summary>
unsafe struct AttentionForward<V> : IParallelBody where V : unmanaged, ILanes<V>
{
    const int Keys = AttentionBlock.Keys, Panel = AttentionBlock.Panel, Ahead = 16;

    public float* Q, K, V_, Y, LogSumExp, Sinks;
    public nint QRow, KRow, VRow, YRow;
    public int* Intervals;
    public int Heads, KeyHeads, D;
    public float Scale, Cap;
    public AttentionRows* Blocks;
    public int BlockCount;
    public AttentionChain* Chain;
    public int ChainCount;

    /// <summary>Ranges of key blocks that run apart (1: none), and where their partial results go.</summary>
    public int Splits;
    public float* Partials;
    public bool Merging;

    readonly int Group => Heads / KeyHeads;
    readonly int Width => (D + V.Width - 1) / V.Width * V.Width;

    /// <summary>Rows in fours: two or three rows cost the tiles no more than four.</summary>
    static int Fours(int rows) => rows % 4 < 2 ? rows : (rows + 3) / 4 * 4;

    public static long ScratchBytes(int rows, int d)
    {
        rows = Fours(rows);
        var width = (d + V.Width - 1) / V.Width * V.Width;
        return AttentionScratch.Bytes<float>(rows * (long)width) * 2 + AttentionScratch.Bytes<float>(rows) * 2
            + AttentionScratch.Bytes<float>(d * Keys) + AttentionScratch.Bytes<float>(width * Keys)
            + AttentionScratch.Bytes<float>(Panel * Keys) + AttentionScratch.Bytes<float>(Panel * width) + 4 * AttentionScratch.Bytes<float>(Panel);
    }

    /// <summary>Floats of the partial results of one key block: part [rows, width], m [rows], l [rows].</summary>
    public static long PartialFloats(int rows, int d) => (long)Fours(rows) * ((d + V.Width - 1) / V.Width * V.Width + 2);

    public readonly void Invoke(int begin, int end)
    {
        for (var i = begin; i < end; i++)
        {
            var split = i % Splits;
            var head = i / Splits % KeyHeads;
            var b = i / Splits / KeyHeads;
            b = (b & 1) == 0 ? b / 2 : BlockCount - 1 - b / 2; // short and long rows in turn, for an even load
            new Work(in this, head, Blocks[b]).Run(in this, split);
        }
    }

    /// <summary>The rows of one item, with their scratch.</summary>
    ref struct Work
    {
        readonly AttentionRows rows;
        readonly int head, group, count, padded, width;
        readonly float* q, acc, max, sum, kt, values, scores, part, partMax, partSum, oldScale, partScale;

        public Work(in AttentionForward<V> call, int head, AttentionRows rows)
        {
            (this.rows, this.head, group, width) = (rows, head, call.Group, call.Width);
            count = rows.Count * group;
            padded = Fours(count);
            var at = AttentionScratch.OfThread(ScratchBytes(count, call.D));
            q = AttentionScratch.Carve<float>(ref at, (long)padded * width);
            acc = AttentionScratch.Carve<float>(ref at, (long)count * width);
            max = AttentionScratch.Carve<float>(ref at, count);
            sum = AttentionScratch.Carve<float>(ref at, count);
            kt = AttentionScratch.Carve<float>(ref at, call.D * Keys);
            values = AttentionScratch.Carve<float>(ref at, width * Keys);
            scores = AttentionScratch.Carve<float>(ref at, Panel * Keys);
            part = AttentionScratch.Carve<float>(ref at, Panel * width);
            partMax = AttentionScratch.Carve<float>(ref at, Panel);
            partSum = AttentionScratch.Carve<float>(ref at, Panel);
            oldScale = AttentionScratch.Carve<float>(ref at, Panel);
            partScale = AttentionScratch.Carve<float>(ref at, Panel);
        }

        public readonly void Run(in AttentionForward<V> call, int split)
        {
            var (first, blocks) = (rows.FirstBlock, rows.BlockCount);
            if (!call.Merging || call.ChainCount > 0)
                for (var r = 0; r < rows.Count; r++)
                    AttentionPacking.Pack<V>(call.Q + (rows.First + r) * call.QRow + (nint)head * group * call.D, call.D, 0, group, call.D,
                        q + (nint)r * group * width, width, call.Scale);
            if (call.Splits == 1 || call.Merging)
            {
                new Span<float>(acc, count * width).Clear();
                new Span<float>(max, count).Fill(float.NegativeInfinity);
                new Span<float>(sum, count).Clear();
            }
            var stride = PartialFloats(count, call.D);
            var partials = call.Partials + rows.Partials + head * blocks * stride;
            if (call.Merging)
                for (var b = 0; b < blocks; b++)
                    for (var p = 0; p < count; p += Panel)
                    {
                        var at = partials + b * stride;
                        Merge(p, Math.Min(Panel, count - p), at + (nint)p * width, at + (nint)padded * width + p, at + (nint)padded * (width + 1) + p);
                    }
            else
                for (var b = blocks * split / call.Splits; b < blocks * (split + 1) / call.Splits; b++)
                    KeyBlock(in call, (first + b) * Keys, call.Splits == 1 ? null : partials + b * stride);
            if (call.Splits > 1 && !call.Merging) return;
            for (var c = 0; c < call.ChainCount; c += Keys)
                for (var p = 0; p < count; p += Panel) ChainBlock(in call, c, Math.Min(Keys, call.ChainCount - c), p, Math.Min(Panel, count - p));
            Finish(in call);
        }

        /// <summary>The part of [at, at + 64) that rows [p, p + n) see together.</summary>
        readonly (int From, int To) Visible(in AttentionForward<V> call, int at, int p, int n)
        {
            int from = Keys, to = 0;
            for (var r = p / group; r <= (p + n - 1) / group; r++)
            {
                var (begin, end) = Interval(in call, r, at);
                if (begin >= end) continue;
                (from, to) = (Math.Min(from, begin), Math.Max(to, end));
            }
            return (from, to);
        }

        readonly (int Begin, int End) Interval(in AttentionForward<V> call, int row, int at)
        {
            var interval = call.Intervals + 2 * (rows.First + row);
            return (Math.Max(interval[0] - at, 0), Math.Min(interval[1] - at, Keys));
        }

        readonly void KeyBlock(in AttentionForward<V> call, int at, float* partial)
        {
            var (from, to) = Visible(in call, at, 0, count);
            if (from < to)
            {
                AttentionPacking.Transpose(call.K + at * call.KRow + (nint)head * call.D, call.KRow, from, to, call.D, kt, Ahead * call.KRow);
                AttentionPacking.Pack<V>(call.V_ + at * call.VRow + (nint)head * call.D, call.VRow, from, to, call.D, values, width, ahead: Ahead * call.VRow);
            }
            for (var p = 0; p < count; p += Panel)
            {
                var n = Math.Min(Panel, count - p);
                float* target = part, m = partMax, l = partSum;
                if (partial != null)
                {
                    target = partial + (nint)p * width;
                    m = partial + (nint)padded * width + p;
                    l = m + padded;
                }
                (from, to) = Visible(in call, at, p, n);
                if (from >= to)
                {
                    new Span<float>(m, n).Fill(float.NegativeInfinity);
                    continue;
                }
                AttentionTiles.Multiply<V>(q + (nint)p * width, width, 1, kt, Keys, scores, Keys, Fours(n), Keys, call.D, false);
                if (call.Cap != 0) Capped(scores, n * Keys, call.Cap);
                for (var i = 0; i < n; i++)
                {
                    var (begin, end) = Interval(in call, (p + i) / group, at);
                    Weights(scores + i * Keys, begin, end, out m[i], out l[i]);
                }
                AttentionTiles.Multiply<V>(scores + from, Keys, 1, values + (nint)from * width, width, target, width, Fours(n), width, to - from, false);
                if (partial == null) Merge(p, n, target, m, l);
            }
        }

        /// <summary>n scores become tanh(s / cap) cap.</summary>
        static void Capped(float* s, int n, float cap)
        {
            var (c, inverse) = (V.All(cap), V.All(1 / cap));
            for (var j = 0; j < n; j += V.Width) (c * Lane.Tanh(V.Load(s + j) * inverse)).Store(s + j);
        }

        /// <summary>Scores of one row become exp(s − max), 0 outside [begin, end).</summary>
        static void Weights(float* s, int begin, int end, out float max, out float sum)
        {
            (max, sum) = (float.NegativeInfinity, 0);
            if (begin >= end)
            {
                new Span<float>(s, Keys).Clear();
                return;
            }
            if (begin > 0) new Span<float>(s, begin).Fill(float.NegativeInfinity);
            if (end < Keys) new Span<float>(s + end, Keys - end).Fill(float.NegativeInfinity);
            var w = V.Width;
            var top = V.Load(s);
            for (var j = w; j < Keys; j += w) top = V.Max(top, V.Load(s + j));
            max = V.MaxOf(top);
            var shift = V.All(max);
            V l0 = default, l1 = default, l2 = default, l3 = default;
            for (var j = 0; j < Keys; j += 4 * w)
            {
                var (e0, e1) = (Weight(V.Load(s + j) - shift), Weight(V.Load(s + j + w) - shift));
                var (e2, e3) = (Weight(V.Load(s + j + 2 * w) - shift), Weight(V.Load(s + j + 3 * w) - shift));
                e0.Store(s + j); e1.Store(s + j + w); e2.Store(s + j + 2 * w); e3.Store(s + j + 3 * w);
                (l0, l1, l2, l3) = (l0 + e0, l1 + e1, l2 + e2, l3 + e3);
            }
            sum = V.Sum((l0 + l1) + (l2 + l3));
        }

        /// <summary>e^x for x at most 0, within about 1 ulp; 0 below −87.7.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V Weight(V x)
        {
            x = V.Max(V.All(-88.2f), x); // n = −127 there, which PowerOfTwo makes 0
            var magic = V.All(12582912f);
            var shifted = V.MulAdd(x, V.All(1.44269504f), magic);
            var n = shifted - magic;
            var r = V.MulAdd(n, V.All(-1.42860677e-6f), V.MulAdd(n, V.All(-0.693145752f), x));
            var p = V.MulAdd(V.All(1.98412698e-4f), r, V.All(1.38888889e-3f));
            p = V.MulAdd(p, r, V.All(8.33333333e-3f));
            p = V.MulAdd(p, r, V.All(4.16666667e-2f));
            p = V.MulAdd(p, r, V.All(0.166666667f));
            p = V.MulAdd(p, r, V.All(0.5f));
            return (V.MulAdd(p * r, r, r) + V.All(1f)) * V.PowerOfTwo(shifted);
        }

        /// <summary>Joins the partial results of rows [p, p + n) to what they have; rows that saw nothing (maximum −∞) stay as they are.</summary>
        readonly void Merge(int p, int n, float* target, float* m, float* l)
        {
            for (var i = 0; i < n; i++)
            {
                var larger = Math.Max(max[p + i], m[i]);
                (oldScale[i], partScale[i]) = (max[p + i] - larger, m[i] - larger);
                max[p + i] = larger;
            }
            for (var i = n; i < Panel; i++) (oldScale[i], partScale[i]) = (0, 0);
            for (var i = 0; i < Panel; i += V.Width)
            {
                Weight(V.Load(oldScale + i)).Store(oldScale + i);
                Weight(V.Load(partScale + i)).Store(partScale + i);
            }
            for (var i = 0; i < n; i++)
            {
                if (m[i] == float.NegativeInfinity) continue;
                sum[p + i] = sum[p + i] * oldScale[i] + l[i] * partScale[i];
                var (x, y) = (V.All(oldScale[i]), V.All(partScale[i]));
                float* a = acc + (nint)(p + i) * width, b = target + (nint)i * width;
                for (var j = 0; j < width; j += V.Width) V.MulAdd(V.Load(b + j), y, V.Load(a + j) * x).Store(a + j);
            }
        }

        /// <summary>Chain keys [c, c + n) of rows [p, p + m): each row has its own.</summary>
        readonly void ChainBlock(in AttentionForward<V> call, int c, int n, int p, int m)
        {
            for (var i = 0; i < m; i++)
            {
                var row = rows.First + (p + i) / group;
                float* own = q + (nint)(p + i) * width, s = scores, o = part + (nint)i * width;
                for (var j = 0; j < n; j++) s[j] = Dot(own, call.Chain[c + j].Key(row, head, call.D), call.D);
                if (call.Cap != 0) Capped(s, Keys, call.Cap);
                Weights(s, 0, n, out partMax[i], out partSum[i]);
                for (var x = 0; x < width; x += V.Width)
                {
                    V total = default;
                    for (var j = 0; j < n; j++)
                    {
                        var v = call.Chain[c + j].Value(row, head, call.D) + x;
                        total = V.MulAdd(V.All(s[j]), x + V.Width <= call.D ? V.Load(v) : Lane.LoadPart<V>(v, call.D - x), total);
                    }
                    total.Store(o + x);
                }
            }
            Merge(p, m, part, partMax, partSum);
        }

        static float Dot(float* a, float* b, int d)
        {
            V total = default;
            var i = 0;
            for (; i + V.Width <= d; i += V.Width) total = V.MulAdd(V.Load(a + i), V.Load(b + i), total);
            if (i < d) total = V.MulAdd(V.Load(a + i), Lane.LoadPart<V>(b + i, d - i), total);
            return V.Sum(total);
        }

        readonly void Finish(in AttentionForward<V> call)
        {
            for (var i = 0; i < count; i++)
            {
                var row = rows.First + i / group;
                var h = head * group + i % group;
                var y = call.Y + row * call.YRow + (nint)h * call.D;
                var (top, total, factor) = (max[i], sum[i], 1f);
                if (call.Sinks != null)
                {
                    top = Math.Max(top, call.Sinks[h]);
                    factor = MathF.Exp(max[i] - top); // 0 for a row that saw no key
                    total = total * factor + MathF.Exp(call.Sinks[h] - top);
                }
                var inverse = V.All(total == 0 ? 0 : factor / total);
                var x = 0;
                for (; x + V.Width <= call.D; x += V.Width) (V.Load(acc + (nint)i * width + x) * inverse).Store(y + x);
                if (x < call.D) Lane.StorePart(V.Load(acc + (nint)i * width + x) * inverse, y + x, call.D - x);
                if (call.LogSumExp != null) call.LogSumExp[(nint)row * call.Heads + h] = top + MathF.Log(total);
            }
        }
    }
}
