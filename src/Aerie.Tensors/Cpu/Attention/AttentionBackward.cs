// Backward attention, head by head: blocks of 64 keys outside, the query rows that see them inside. The scores are made again from q, k and the
// kept log-sum-exp:  P = exp(s − lse)   dP = dy V^T   dS = P (dP − D)   dV += P^T dy   dK += dS^T q   dq += dS K.
// A query head adds to dk and dv of its own; the heads of a group are then summed in order, so threads never meet and their number does not show.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu.Attention;

unsafe struct AttentionBackward<V> : IParallelBody where V : unmanaged, ILanes<V>
{
    const int Keys = AttentionBlock.Keys;

    /// <summary>Query rows of a tile.</summary>
    public const int Rows = 64;

    public float* Q, K, V_, Dy, Y, LogSumExp, Dq, Dk, Dv;
    public nint QRow, KRow, VRow, YRow, DqRow, DkRow, DvRow;
    public int* Intervals;
    public int Heads, Group, D, QueryRows, KeyRows;
    public float Scale;
    public AttentionRows* Runs;
    public int RunCount;

    /// <summary>First query head of this wave; dk and dv of each of its heads, [head, 2, blocks · 64, width].</summary>
    public int FirstHead;
    public float* HeadGradients;

    /// <summary>False: the items are query heads. True: they are key blocks of key heads, whose query heads are summed.</summary>
    public bool Joining;

    public readonly int Width => (D + V.Width - 1) / V.Width * V.Width;
    public readonly int KeyBlocks => (KeyRows + Keys - 1) / Keys;
    readonly nint HeadStride => (nint)2 * KeyBlocks * Keys * Width;

    public static long HeadFloats(int keyRows, int d) => 2L * ((keyRows + Keys - 1) / Keys * Keys) * ((d + V.Width - 1) / V.Width * V.Width);

    public readonly void Invoke(int begin, int end)
    {
        for (var i = begin; i < end; i++)
            if (Joining) Join(FirstHead / Group + i / KeyBlocks, i % KeyBlocks);
            else new Head(in this, FirstHead + i).Run(in this);
    }

    /// <summary>dk and dv of one key block: the sum over the heads of the group, in order.</summary>
    readonly void Join(int keyHead, int block)
    {
        var from = HeadGradients + (keyHead * Group - FirstHead) * HeadStride + (nint)block * Keys * Width;
        for (var j = 0; j < Math.Min(Keys, KeyRows - block * Keys); j++)
        {
            var row = (nint)block * Keys + j;
            JoinRow(from + (nint)j * Width, Dk + row * DkRow + (nint)keyHead * D);
            JoinRow(from + (nint)KeyBlocks * Keys * Width + (nint)j * Width, Dv + row * DvRow + (nint)keyHead * D);
        }
    }

    readonly void JoinRow(float* from, float* to)
    {
        for (var x = 0; x < D; x += V.Width)
        {
            var sum = V.Load(from + x);
            for (var g = 1; g < Group; g++) sum += V.Load(from + g * HeadStride + x);
            Add(to + x, sum, D - x);
        }
    }

    /// <summary>to += x in its first <paramref name="n"/> lanes.</summary>
    static void Add(float* to, V x, int n)
    {
        if (n >= V.Width) (V.Load(to) + x).Store(to);
        else Lane.StorePart(Lane.LoadPart<V>(to, n) + x, to, n);
    }

    static V Part(float* p, int n) => n >= V.Width ? V.Load(p) : Lane.LoadPart<V>(p, n);

    static float Dot(float* a, float* b, int d)
    {
        V total = default;
        for (var x = 0; x < d; x += V.Width) total = V.MulAdd(Part(a + x, d - x), Part(b + x, d - x), total);
        return V.Sum(total);
    }

    public static long ScratchBytes(int queryRows, int d)
    {
        var width = (d + V.Width - 1) / V.Width * V.Width;
        return AttentionScratch.Bytes<float>(queryRows) + 2 * AttentionScratch.Bytes<float>(d * Keys) + 4 * AttentionScratch.Bytes<float>(width * Rows)
            + 2 * AttentionScratch.Bytes<float>(Rows * Keys);
    }

    /// <summary>One query head with its scratch.</summary>
    ref struct Head
    {
        readonly int head, width;
        readonly float* delta, kt, vt, keys, q, dy, dq, p, ds;

        public Head(in AttentionBackward<V> call, int head)
        {
            (this.head, width) = (head, call.Width);
            var at = AttentionScratch.OfThread(ScratchBytes(call.QueryRows, call.D));
            delta = AttentionScratch.Carve<float>(ref at, call.QueryRows);
            kt = AttentionScratch.Carve<float>(ref at, call.D * Keys);
            vt = AttentionScratch.Carve<float>(ref at, call.D * Keys);
            keys = AttentionScratch.Carve<float>(ref at, width * Keys);
            q = AttentionScratch.Carve<float>(ref at, width * Rows);
            dy = AttentionScratch.Carve<float>(ref at, width * Rows);
            dq = AttentionScratch.Carve<float>(ref at, width * Rows);
            p = AttentionScratch.Carve<float>(ref at, Rows * Keys);
            ds = AttentionScratch.Carve<float>(ref at, Rows * Keys);
        }

        public readonly void Run(in AttentionBackward<V> call)
        {
            var d = call.D;
            for (var r = 0; r < call.QueryRows; r++)
                delta[r] = Dot(call.Dy + r * call.YRow + (nint)head * d, call.Y + r * call.YRow + (nint)head * d, d);
            var dk = call.HeadGradients + (head - call.FirstHead) * call.HeadStride;
            var dv = dk + (nint)call.KeyBlocks * Keys * width;
            var keyHead = (nint)(head / call.Group) * d;
            for (var b = 0; b < call.KeyBlocks; b++, dk += Keys * width, dv += Keys * width)
            {
                new Span<float>(dk, Keys * width).Clear();
                new Span<float>(dv, Keys * width).Clear();
                int at = b * Keys, count = Math.Min(Keys, call.KeyRows - at);
                var packed = false;
                for (var i = 0; i < call.RunCount; i++)
                {
                    if (call.Runs[i].Begin >= at + Keys || call.Runs[i].End <= at) continue;
                    if (!packed)
                    {
                        AttentionPacking.Transpose(call.K + at * call.KRow + keyHead, call.KRow, 0, count, d, kt);
                        AttentionPacking.Transpose(call.V_ + at * call.VRow + keyHead, call.VRow, 0, count, d, vt);
                        AttentionPacking.Pack<V>(call.K + at * call.KRow + keyHead, call.KRow, 0, count, d, keys, width);
                        packed = true;
                    }
                    Tile(in call, call.Runs[i], at, dk, dv);
                }
            }
        }

        /// <summary>The query rows of one run against one block of keys.</summary>
        readonly void Tile(in AttentionBackward<V> call, AttentionRows run, int at, float* dk, float* dv)
        {
            var (d, n) = (call.D, run.Count);
            int from = Keys, to = 0;
            for (var i = 0; i < n; i++)
            {
                var (begin, end) = Interval(in call, run.First + i, at);
                if (begin < end) (from, to) = (Math.Min(from, begin), Math.Max(to, end));
            }
            if (from >= to) return;
            AttentionPacking.Pack<V>(call.Q + run.First * call.QRow + (nint)head * d, call.QRow, 0, n, d, q, width, call.Scale);
            AttentionPacking.Pack<V>(call.Dy + run.First * call.YRow + (nint)head * d, call.YRow, 0, n, d, dy, width);
            AttentionTiles.Multiply<V>(q, width, 1, kt, Keys, p, Keys, n, Keys, d, false);
            AttentionTiles.Multiply<V>(dy, width, 1, vt, Keys, ds, Keys, n, Keys, d, false);
            for (var i = 0; i < n; i++)
            {
                var row = run.First + i;
                var (begin, end) = Interval(in call, row, at);
                Weights(p + i * Keys, ds + i * Keys, begin, end, call.LogSumExp[(nint)row * call.Heads + head], delta[row]);
            }
            AttentionTiles.Multiply<V>(p + from, 1, Keys, dy, width, dv + (nint)from * width, width, to - from, width, n, true);
            AttentionTiles.Multiply<V>(ds + from, 1, Keys, q, width, dk + (nint)from * width, width, to - from, width, n, true);
            AttentionTiles.Multiply<V>(ds + from, Keys, 1, keys + (nint)from * width, width, dq, width, n, width, to - from, false);
            var scale = V.All(call.Scale);
            for (var i = 0; i < n; i++)
            {
                var target = call.Dq + (run.First + i) * call.DqRow + (nint)head * d;
                for (var x = 0; x < d; x += V.Width) Add(target + x, V.Load(dq + (nint)i * width + x) * scale, d - x);
            }
        }

        readonly (int Begin, int End) Interval(in AttentionBackward<V> call, int row, int at)
            => (Math.Max(call.Intervals[2 * row] - at, 0), Math.Min(call.Intervals[2 * row + 1] - at, Keys));

        /// <summary>Scores become P and dP becomes dS; both 0 outside [begin, end).</summary>
        static void Weights(float* p, float* ds, int begin, int end, float logSumExp, float delta)
        {
            if (begin >= end) (begin, end) = (0, 0);
            else
            {
                var (shift, center) = (V.All(logSumExp), V.All(delta));
                for (var j = 0; j < Keys; j += V.Width)
                {
                    var e = Lane.Exp(V.Load(p + j) - shift);
                    e.Store(p + j);
                    (e * (V.Load(ds + j) - center)).Store(ds + j);
                }
            }
            if (begin > 0)
            {
                new Span<float>(p, begin).Clear();
                new Span<float>(ds, begin).Clear();
            }
            if (end == Keys) return;
            new Span<float>(p + end, Keys - end).Clear();
            new Span<float>(ds + end, Keys - end).Clear();
        }
    }

    /// <summary>The chain's part: every query row with its own keys, one key head at a time.</summary>
    public struct Chains : IParallelBody
    {
        public AttentionBackward<V> Call;
        public AttentionChain* Chain;
        public int ChainCount;

        public readonly void Invoke(int begin, int end)
        {
            for (var keyHead = begin; keyHead < end; keyHead++)
                for (var row = 0; row < Call.QueryRows; row++)
                    for (var g = 0; g < Call.Group; g++) Row(row, keyHead, keyHead * Call.Group + g);
        }

        readonly void Row(int row, int keyHead, int head)
        {
            var d = Call.D;
            float* q = Call.Q + row * Call.QRow + (nint)head * d, dq = Call.Dq + row * Call.DqRow + (nint)head * d;
            float* dy = Call.Dy + row * Call.YRow + (nint)head * d, y = Call.Y + row * Call.YRow + (nint)head * d;
            var delta = Dot(dy, y, d);
            var shift = Call.LogSumExp[(nint)row * Call.Heads + head];
            for (var i = 0; i < ChainCount; i++)
            {
                ref var link = ref Chain[i];
                float* k = link.Key(row, keyHead, d), v = link.Value(row, keyHead, d);
                float* dk = link.KeyGradients + (k - link.Keys), dv = link.ValueGradients + (v - link.Values);
                var p = Lane.Exp(V.All(Dot(q, k, d) * Call.Scale - shift));
                var ds = p * V.All((Dot(dy, v, d) - delta) * Call.Scale);
                for (var x = 0; x < d; x += V.Width)
                {
                    Add(dq + x, ds * Part(k + x, d - x), d - x);
                    Add(dk + x, ds * Part(q + x, d - x), d - x);
                    Add(dv + x, p * Part(dy + x, d - x), d - x);
                }
            }
        }
    }
}
