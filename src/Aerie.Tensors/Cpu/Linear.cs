// Products with weights. A weight is packed for the product kernels once per value; what is used once (a gradient's operands) or is large and soon to change is packed on the fly.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Prepare(Columns w) => Packed(w, true);

    public void Linear(Tensor x, Columns w, Tensor? bias, Tensor y, bool accumulate)
    {
        if (x.Rows == 0) return;
        using var b = new ScratchFloats(bias);
        Multiply(x, w, true, y, accumulate, b.Floats);
    }

    public void LinearBackwardInput(Tensor dy, Columns w, Tensor dx, bool accumulate)
    {
        if (dy.Rows == 0) return;
        if (!UsedUp(w, dy.Rows) || w.Rows <= WideRows)
        {
            Multiply(dy, w, false, dx, accumulate, null);
            return;
        }
        // A wide head: part by part along the sum, so that both operands are packed once and stay in the cache.
        for (var from = 0; from < w.Rows; from += WideRows)
        {
            var count = Math.Min(WideRows, w.Rows - from);
            Gemm.Multiply(new MatrixView(dy.Floats, dy.Rows, dy.Cols).Columns(from, count), View(w, false).Lines(from, count), dx.Floats, dx.Cols, w.Precision,
                accumulate || from > 0);
        }
    }

    const int WideRows = 4096;

    public void LinearBackwardWeight(Tensor dy, Tensor x, Columns w, Tensor? dbias)
    {
        if (dy.Rows == 0) return;
        var (dyView, xView) = (new MatrixView(dy.Floats, dy.Rows, dy.Cols), new MatrixView(x.Floats, x.Rows, x.Cols));
        Gemm.Multiply(dyView.T, xView, w.Parameter.Gradient!.Floats + w.Begin, w.Parameter.Cols, w.Precision, accumulate: true);
        if (dbias is null) return;
        var sums = new ColumnSums { X = dy.Floats, Sums = dbias.Floats, Rows = dy.Rows, Cols = dy.Cols };
        Threads.For((dy.Cols + ColumnBlock - 1) / ColumnBlock, ref sums, Math.Max(1, RowGrain(dy.Rows) / ColumnBlock));
    }

    static void Multiply(Tensor x, Columns w, bool transposed, Tensor y, bool accumulate, float* bias)
    {
        var rows = new MatrixView(x.Floats, x.Rows, x.Cols);
        if (UsedUp(w, x.Rows)) Gemm.Multiply(rows, View(w, transposed), y.Floats, y.Cols, w.Precision, accumulate, bias);
        else Gemm.Multiply(rows, Packed(w, transposed), y.Floats, y.Cols, accumulate, bias);
    }

    /// <summary>A large weight in training: packing it for every product costs some percent (2 to 12 measured), keeping both packed copies as much memory as the weight.</summary>
    static bool UsedUp(Columns w, int rows) => w.Parameter.Trainable && rows >= 256 && (long)w.Rows * w.Count >= 4 << 20;

    /// <summary>The packed copy that lives with the parameter, brought up to its present value.</summary>
    static PackedMatrix Packed(Columns w, bool transposed)
    {
        var packed = w.Parameter.Packed(w, transposed, static (columns, flip) => new PackedWeight(columns, flip));
        return packed.UpToDate(w, transposed);
    }

    static MatrixView View(Columns w, bool transposed)
    {
        var value = w.Parameter.Value;
        var view = value.DType == DType.BF16
            ? new MatrixView((ushort*)value.Address + w.Begin, w.Rows, w.Count, w.Parameter.Cols)
            : new MatrixView(value.Floats + w.Begin, w.Rows, w.Count, w.Parameter.Cols);
        return transposed ? view.T : view;
    }

    sealed class PackedWeight(Columns w, bool transposed) : IDisposable
    {
        readonly PackedMatrix matrix = Counted(PackedMatrix.Pack(w.Precision, View(w, transposed)));
        int version = w.Parameter.Version;

        static PackedMatrix Counted(PackedMatrix matrix)
        {
            NativeBytes.Add(matrix.Bytes);
            return matrix;
        }

        public PackedMatrix UpToDate(Columns w, bool transposed)
        {
            if (version == w.Parameter.Version) return matrix;
            lock (matrix)
            {
                if (version != w.Parameter.Version) matrix.Repack(View(w, transposed));
                version = w.Parameter.Version;
            }
            return matrix;
        }

        public void Dispose()
        {
            NativeBytes.Add(-matrix.Bytes);
            matrix.Dispose();
        }
    }

    /// <summary>Columns of a reduction over rows that one thread does at a time.</summary>
    const int ColumnBlock = 64;

    /// <summary>sums[j] += the sum of column j, in ascending rows.</summary>
    struct ColumnSums : IParallelBody
    {
        public float* X, Sums;
        public int Rows, Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var block = begin; block < end; block++)
            {
                var (first, last) = (block * ColumnBlock, Math.Min((block + 1) * ColumnBlock, Cols));
                var j = first;
                for (; j + V.Width <= last; j += V.Width)
                {
                    var sum = V.All(0);
                    for (var r = 0; r < Rows; r++) sum += V.Load(X + (long)r * Cols + j);
                    (V.Load(Sums + j) + sum).Store(Sums + j);
                }
                for (; j < last; j++)
                {
                    float sum = 0;
                    for (var r = 0; r < Rows; r++) sum += X[(long)r * Cols + j];
                    Sums[j] += sum;
                }
            }
        }
    }
}
