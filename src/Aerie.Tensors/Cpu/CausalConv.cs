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
        public const int Block = 128;
        public float* X, Past, Taps, Bias, Y;
        public RecurrentRun* Runs;
        public int RowWidth, Width, Channels, K, Stored, Convolved, Passed;

        public readonly void Invoke(int begin, int end)
        {
            var rows = stackalloc float*[K];
            for (var item = begin; item < end; item++)
            {
                var run = Runs[item / (Convolved + Passed)];
                var block = item % (Convolved + Passed);
                var first = block < Convolved ? block * Block : Channels + (block - Convolved) * Block;
                var count = Math.Min(Block, (block < Convolved ? Channels : Width) - first);
                for (var i = 0; i < run.Rows; i++)
                {
                    var y = Y + (long)(run.At + i) * Width + first;
                    if (block >= Convolved)
                    {
                        new Span<float>(Raw(run, i + K - 1) + first, count).CopyTo(new Span<float>(y, count));
                        continue;
                    }
                    for (var j = 0; j < K; j++) rows[j] = Raw(run, i + j) + first;
                    Row(rows, first, count, y);
                }
                for (var i = 0; i < K - 1 + run.Rows - run.Settled && (run.Settled > 0 || run.Count > 0); i++)
                    new Span<float>(Raw(run, run.Settled + i) + first, count).CopyTo(new Span<float>(Past + ((long)run.Slot * Stored + i) * Width + first, count));
            }
        }

        /// <summary>Row i of the run's past, its first K - 1 rows those before the state, and then of its new rows.</summary>
        readonly float* Raw(RecurrentRun run, int i)
            => i < K - 1 + run.Kept ? Past + ((long)run.Slot * Stored + i) * Width : X + (long)(run.Begin + i - (K - 1 + run.Kept)) * RowWidth;

        readonly void Row(float** rows, int first, int count, float* y)
        {
            var i = 0;
            for (; i + V.Width <= count; i += V.Width)
            {
                var sum = Bias == null ? V.All(0) : V.Load(Bias + first + i);
                for (var j = 0; j < K; j++) sum = V.MulAdd(V.Load(Taps + (long)j * Channels + first + i), V.Load(rows[j] + i), sum);
                (sum * Sigmoid(sum)).Store(y + i);
            }
            var n = count - i;
            if (n == 0) return;
            var last = Bias == null ? V.All(0) : Lane.LoadPart<V>(Bias + first + i, n);
            for (var j = 0; j < K; j++) last = V.MulAdd(Lane.LoadPart<V>(Taps + (long)j * Channels + first + i, n), Lane.LoadPart<V>(rows[j] + i, n), last);
            Lane.StorePart(last * Sigmoid(last), y + i, n);
        }
    }
}
