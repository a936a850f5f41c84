// A task is one head (64 of its P) of one sequence. It goes over the tokens in pieces whose x, B and C are packed side by side; within a piece 8 rows of the state, as
// wide as the lanes, stay in registers over all tokens. P lies along the lanes, so that y needs no sum over lanes: it is added up over n in ascending order.
using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void SelectiveScan(ScanLayout layout, Tensor x, Tensor aLog, Tensor d, Tensor dtBias, ReadOnlySpan<RecurrentRun> runs, Tensor state, Tensor y)
    {
        Check.That(layout.Heads % layout.Groups == 0 && x.Cols >= layout.Width && y.Cols == layout.Inner && state.Cols == layout.State && aLog.Count == layout.Heads && d.Count == layout.Heads
            && dtBias.Count == layout.Heads, $"{layout}: {x} into {y}, state {state}, A {aLog}, D {d}, dt bias {dtBias}");
        var rows = RecurrentRun.Check(runs, state.Rows, y.Rows, int.MaxValue);
        Check.That(rows <= x.Rows, $"the {rows} rows of {runs.Length} runs in {x}");
        using var steps = new ScratchFloats(2L * rows * layout.Heads);
        var prepare = new TimeSteps { X = x.Floats + layout.Convolved, ALog = aLog.Floats, Bias = dtBias.Floats, Steps = steps.Floats, Heads = layout.Heads, Width = x.Cols };
        Threads.For(rows, ref prepare, RowGrain(64 * layout.Heads));
        fixed (RecurrentRun* r = runs)
        {
            var body = new ScanBody
            {
                Layout = layout, X = x.Floats, D = d.Floats, Steps = steps.Floats, State = state.Floats, Y = y.Floats, Runs = r, Width = x.Cols,
                Blocks = (layout.HeadSize + ScanBody.MostLanes - 1) / ScanBody.MostLanes,
            };
            var work = (long)rows / Math.Max(1, runs.Length) * layout.StateSize * Math.Min(layout.HeadSize, ScanBody.MostLanes);
            Threads.For(runs.Length * layout.Heads * body.Blocks, ref body, (int)Math.Max(1, 2 * Grain / Math.Max(1, work)));
        }
    }

    /// <summary>Time step and decay of every row and head.</summary>
    struct TimeSteps : IParallelBody
    {
        public float* X, ALog, Bias, Steps;
        public int Heads, Width;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
                for (var a = 0; a < Heads; a++)
                {
                    double raw = X[(long)r * Width + a] + Bias[a], dt = raw > 20 ? raw : raw < -20 ? Math.Exp(raw) : Math.Log(1 + Math.Exp(raw));
                    var step = Steps + 2 * ((long)r * Heads + a);
                    step[0] = (float)dt;
                    step[1] = (float)Math.Exp(-Math.Exp(ALog[a]) * dt);
                }
        }
    }

    struct ScanBody : IParallelBody
    {
        public const int Piece = 32, MostLanes = 64, Unrolled = 8;
        public ScanLayout Layout;
        public float* X, D, Steps, State, Y;
        public RecurrentRun* Runs;
        public int Width, Blocks;

        /// <summary>Packed rows of a piece: dt x and y [Piece, MostLanes], B and C [Piece, N], decay [Piece]; and a state that is not to be kept.</summary>
        ref struct Packed
        {
            public float* X, Y, B, C, Decay, State;
            public int Rows, StateSize;
        }

        public readonly void Invoke(int begin, int end)
        {
            var n = Layout.StateSize;
            using var scratch = new ScratchFloats(Piece * (2 * MostLanes + 2 * n + 1) + (long)n * MostLanes);
            var packed = new Packed { X = scratch.Floats, StateSize = n };
            packed.Y = packed.X + Piece * MostLanes;
            packed.State = packed.Y + Piece * MostLanes;
            packed.B = packed.State + (long)n * MostLanes;
            packed.C = packed.B + Piece * n;
            packed.Decay = packed.C + Piece * n;
            for (var item = begin; item < end; item++)
                Head(Runs[item / (Layout.Heads * Blocks)], item / Blocks % Layout.Heads, item % Blocks * MostLanes, ref packed);
        }

        readonly void Head(RecurrentRun run, int head, int lane, ref Packed packed)
        {
            var (p, n, lanes) = (Layout.HeadSize, Layout.StateSize, Math.Min(MostLanes, Layout.HeadSize - lane));
            var home = State + (long)run.Slot * Layout.State + (long)head * n * p + lane;
            var (from, fromWidth) = ((nint)home, p);
            for (int t = 0, end; t < run.Rows; t = end)
            {
                end = Math.Min(t + Piece, t < run.Settled ? run.Settled : run.Rows);
                Pack(run, head, lane, lanes, t, end, ref packed);
                // What settles is stored; what does not goes from piece to piece and is forgotten at the end.
                var (to, toWidth) = t < run.Settled ? ((nint)home, p) : end < run.Rows ? ((nint)packed.State, MostLanes) : (0, 0);
                var i = 0;
                for (; i + Unrolled <= n; i += Unrolled) Lanes(packed, i, Unrolled, lanes, (float*)from + (long)i * fromWidth, fromWidth, to == 0 ? null : (float*)to + (long)i * toWidth, toWidth);
                for (; i < n; i++) Lanes(packed, i, 1, lanes, (float*)from + (long)i * fromWidth, fromWidth, to == 0 ? null : (float*)to + (long)i * toWidth, toWidth);
                for (var r = Math.Max(t, run.Kept); r < end; r++)
                    new Span<float>(packed.Y + (r - t) * MostLanes, lanes).CopyTo(new Span<float>(Y + (long)(run.Begin + r - run.Kept) * Layout.Inner + head * p + lane, lanes));
                (from, fromWidth) = (to, toWidth);
            }
        }

        readonly void Pack(RecurrentRun run, int head, int lane, int lanes, int t, int end, ref Packed packed)
        {
            var n = Layout.StateSize;
            var group = head / (Layout.Heads / Layout.Groups);
            packed.Rows = end - t;
            for (var r = t; r < end; r++)
            {
                var row = X + (long)(run.At + r) * Width;
                var step = Steps + 2 * ((long)(run.At + r) * Layout.Heads + head);
                float* x = row + head * Layout.HeadSize + lane, dx = packed.X + (r - t) * MostLanes, y = packed.Y + (r - t) * MostLanes;
                packed.Decay[r - t] = step[1];
                V dt = V.All(step[0]), d = V.All(D[head]);
                var i = 0;
                for (; i + V.Width <= lanes; i += V.Width)
                {
                    var v = V.Load(x + i);
                    (v * dt).Store(dx + i);
                    (v * d).Store(y + i);
                }
                for (; i < lanes; i++) (dx[i], y[i]) = (x[i] * step[0], x[i] * D[head]);
                new Span<float>(row + Layout.Inner + group * n, n).CopyTo(new Span<float>(packed.B + (r - t) * n, n));
                new Span<float>(row + Layout.Inner + (Layout.Groups + group) * n, n).CopyTo(new Span<float>(packed.C + (r - t) * n, n));
            }
        }

        /// <summary>8 rows of the state or one, all lanes.</summary>
        static void Lanes(in Packed packed, int i, int count, int lanes, float* from, int fromWidth, float* to, int toWidth)
        {
            var at = 0;
            for (; at + V.Width <= lanes; at += V.Width) Some<V>(packed, i, count, at, from + at, fromWidth, to == null ? null : to + at, toWidth);
            for (; V.Width > 4 && at + 4 <= lanes; at += 4) Some<F32x4>(packed, i, count, at, from + at, fromWidth, to == null ? null : to + at, toWidth);
            for (; at < lanes; at++) Some<F32x1>(packed, i, count, at, from + at, fromWidth, to == null ? null : to + at, toWidth);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Some<U>(in Packed packed, int i, int count, int at, float* from, int fromWidth, float* to, int toWidth) where U : unmanaged, ILanes<U>
        {
            if (count == Unrolled) Eight<U>(packed.X + at, packed.Y + at, packed.B + i, packed.C + i, packed.Decay, packed.Rows, packed.StateSize, from, fromWidth, to, toWidth);
            else One<U>(packed.X + at, packed.Y + at, packed.B + i, packed.C + i, packed.Decay, packed.Rows, packed.StateSize, from, to);
        }

        static void Eight<U>(float* x, float* y, float* b, float* c, float* decay, int rows, int n, float* from, int fromWidth, float* to, int toWidth) where U : unmanaged, ILanes<U>
        {
            U s0 = U.Load(from), s1 = U.Load(from + fromWidth), s2 = U.Load(from + 2 * fromWidth), s3 = U.Load(from + 3 * fromWidth);
            from += 4 * fromWidth;
            U s4 = U.Load(from), s5 = U.Load(from + fromWidth), s6 = U.Load(from + 2 * fromWidth), s7 = U.Load(from + 3 * fromWidth);
            for (var t = 0; t < rows; t++, x += MostLanes, y += MostLanes, b += n, c += n)
            {
                U a = U.All(decay[t]), u = U.Load(x), sum = U.Load(y);
                s0 = U.MulAdd(u, U.All(b[0]), s0 * a);
                sum = U.MulAdd(s0, U.All(c[0]), sum);
                s1 = U.MulAdd(u, U.All(b[1]), s1 * a);
                sum = U.MulAdd(s1, U.All(c[1]), sum);
                s2 = U.MulAdd(u, U.All(b[2]), s2 * a);
                sum = U.MulAdd(s2, U.All(c[2]), sum);
                s3 = U.MulAdd(u, U.All(b[3]), s3 * a);
                sum = U.MulAdd(s3, U.All(c[3]), sum);
                s4 = U.MulAdd(u, U.All(b[4]), s4 * a);
                sum = U.MulAdd(s4, U.All(c[4]), sum);
                s5 = U.MulAdd(u, U.All(b[5]), s5 * a);
                sum = U.MulAdd(s5, U.All(c[5]), sum);
                s6 = U.MulAdd(u, U.All(b[6]), s6 * a);
                sum = U.MulAdd(s6, U.All(c[6]), sum);
                s7 = U.MulAdd(u, U.All(b[7]), s7 * a);
                sum = U.MulAdd(s7, U.All(c[7]), sum);
                sum.Store(y);
            }
            if (to == null) return;
            s0.Store(to);
            s1.Store(to + toWidth);
            s2.Store(to + 2 * toWidth);
            s3.Store(to + 3 * toWidth);
            to += 4 * toWidth;
            s4.Store(to);
            s5.Store(to + toWidth);
            s6.Store(to + 2 * toWidth);
            s7.Store(to + 3 * toWidth);
        }

        static void One<U>(float* x, float* y, float* b, float* c, float* decay, int rows, int n, float* from, float* to) where U : unmanaged, ILanes<U>
        {
            var s = U.Load(from);
            for (var t = 0; t < rows; t++, x += MostLanes, y += MostLanes, b += n, c += n)
            {
                s = U.MulAdd(U.Load(x), U.All(*b), s * U.All(decay[t]));
                U.MulAdd(s, U.All(*c), U.Load(y)).Store(y);
            }
            if (to != null) s.Store(to);
        }
    }
}
