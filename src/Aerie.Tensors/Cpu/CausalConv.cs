// A task is a block of columns of one sequence: it convolves all its rows, then moves what stays of the raw rows. So nothing waits for another task.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void CausalConv(Tensor x, int column, Tensor past, ReadOnlySpan<RecurrentRun> runs, Tensor taps, Tensor? bias, Tensor y)
    {
        var (k, channels, width) = (taps.Rows, taps.Cols, y.Cols);
        Check.That(past.Shape.Rank == 3 && past.Cols == width && past.Shape[1] >= k - 1 && channels <= width && column >= 0 && column + width <= x.Cols && (bias is null || bias.Count == channels),
            $"{x} from column {column} after {past}, taps {taps}, bias {bias}, into {y}");
        Check.That(RecurrentRun.Check(runs, past.Shape[0], x.Rows, past.Shape[1] - (k - 1)) <= y.Rows, $"the rows of {runs.Length} runs into {y}");
        fixed (RecurrentRun* r = runs)
        {
            var body = new CausalConvBody
            {
                X = x.Floats + column, Past = past.Floats, Taps = taps.Floats, Bias = bias is null ? null : bias.Floats, Y = y.Floats, Runs = r,
                RowWidth = x.Cols, Width = width, Channels = channels, K = k, Stored = past.Shape[1],
                Convolved = (channels + CausalConvBody.Block - 1) / CausalConvBody.Block, Passed = (width - channels + CausalConvBody.Block - 1) / CausalConvBody.Block,
            };
            Threads.For(runs.Length * (body.Convolved + body.Passed), ref body, Math.Max(1, Grain / (CausalConvBody.Block * Math.Max(1, y.Rows / Math.Max(1, runs.Length)))));
        }
    }

    struct CausalConvBody : IParallelBody
    {
        public const int Block = 128, Tile = 16;
        public float* X, Past, Taps, Bias, Y;
        public RecurrentRun* Runs;
        public int RowWidth, Width, Channels, K, Stored, Convolved, Passed;

        public readonly void Invoke(int begin, int end)
        {
            var rows = stackalloc float*[Tile + K - 1];
            for (var item = begin; item < end; item++)
            {
                var run = Runs[item / (Convolved + Passed)];
                var block = item % (Convolved + Passed);
                var first = block < Convolved ? block * Block : Channels + (block - Convolved) * Block;
                var count = Math.Min(Block, (block < Convolved ? Channels : Width) - first);
                for (var t = 0; t < run.Rows; t += Tile)
                {
                    var n = Math.Min(Tile, run.Rows - t);
                    for (var j = 0; j < n + K - 1; j++) rows[j] = Raw(run, t + j) + first;
                    var y = Y + (long)(run.At + t) * Width + first;
                    if (block < Convolved) Convolve(rows, n, first, count, y);
                    else
                        for (var i = 0; i < n; i++) new Span<float>(rows[i + K - 1], count).CopyTo(new Span<float>(y + (long)i * Width, count));
                }
                for (var i = 0; i < K - 1 + run.Rows - run.Settled && (run.Settled > 0 || run.Count > 0); i++)
                    new Span<float>(Raw(run, run.Settled + i) + first, count).CopyTo(new Span<float>(Past + ((long)run.Slot * Stored + i) * Width + first, count));
            }
        }

        /// <summary>Row i of the run's past, its first K - 1 rows those before the state, and then of its new rows.</summary>
        readonly float* Raw(RecurrentRun run, int i)
            => i < K - 1 + run.Kept ? Past + ((long)run.Slot * Stored + i) * Width : X + (long)(run.Begin + i - (K - 1 + run.Kept)) * RowWidth;

        /// <summary>n rows of y from rows 0 .. n + K - 2: down the rows, lane by lane.</summary>
        readonly void Convolve(float** rows, int n, int first, int count, float* y)
        {
            var i = 0;
            for (; i + V.Width <= count; i += V.Width)
            {
                var bias = Bias == null ? V.All(0) : V.Load(Bias + first + i);
                var taps = Taps + first + i;
                if (K == 4) Four(rows, n, i, bias, V.Load(taps), V.Load(taps + Channels), V.Load(taps + 2L * Channels), V.Load(taps + 3L * Channels), y);
                else
                    for (var r = 0; r < n; r++)
                    {
                        var sum = bias;
                        for (var j = 0; j < K; j++) sum = V.MulAdd(V.Load(taps + (long)j * Channels), V.Load(rows[r + j] + i), sum);
                        (sum * Sigmoid(sum)).Store(y + (long)r * Width + i);
                    }
            }
            var rest = count - i;
            for (var r = 0; rest > 0 && r < n; r++)
            {
                var sum = Bias == null ? V.All(0) : Lane.LoadPart<V>(Bias + first + i, rest);
                for (var j = 0; j < K; j++) sum = V.MulAdd(Lane.LoadPart<V>(Taps + (long)j * Channels + first + i, rest), Lane.LoadPart<V>(rows[r + j] + i, rest), sum);
                Lane.StorePart(sum * Sigmoid(sum), y + (long)r * Width + i, rest);
            }
        }

        /// <summary>Four taps, as all published models have: the window slides through registers.</summary>
        readonly void Four(float** rows, int n, int i, V bias, V t0, V t1, V t2, V t3, float* y)
        {
            V x0 = V.Load(rows[0] + i), x1 = V.Load(rows[1] + i), x2 = V.Load(rows[2] + i);
            for (var r = 0; r < n; r++)
            {
                var x3 = V.Load(rows[r + 3] + i);
                var sum = V.MulAdd(t3, x3, V.MulAdd(t2, x2, V.MulAdd(t1, x1, V.MulAdd(t0, x0, bias))));
                (sum * Sigmoid(sum)).Store(y + (long)r * Width + i);
                (x0, x1, x2) = (x1, x2, x3);
            }
        }
    }
}
