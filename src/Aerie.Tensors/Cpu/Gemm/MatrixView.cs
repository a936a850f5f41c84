// A matrix that lies somewhere in memory, f32 or bf16, row by row or (transposed) column by column.
namespace Aerie.Tensors.Cpu;

/// <summary>A look at a matrix [Rows, Cols] in memory that somebody else owns.</summary>
public readonly unsafe struct MatrixView
{
    MatrixView(void* data, bool isBF16, int rows, int cols, long stride, bool transposed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(cols);
        if (rows > 0 && cols > 0)
            ArgumentNullException.ThrowIfNull(data);
        Data = data;
        (IsBF16, Rows, Cols, Stride, Transposed) = (isBF16, rows, cols, stride, transposed);
    }

    /// <summary>float32, row-major; <paramref name="stride"/> is the distance of rows in elements (0: cols).</summary>
    public MatrixView(float* data, int rows, int cols, long stride = 0)
        : this(data, false, rows, cols, stride == 0 ? cols : stride, false) { }

    /// <summary>bfloat16, row-major; <paramref name="stride"/> is the distance of rows in elements (0: cols).</summary>
    public MatrixView(ushort* data, int rows, int cols, long stride = 0)
        : this(data, true, rows, cols, stride == 0 ? cols : stride, false) { }

    /// <summary>First element.</summary>
    public void* Data { get; }

    /// <summary>Elements are bfloat16 (else float32).</summary>
    public bool IsBF16 { get; }

    /// <summary>Rows as seen.</summary>
    public int Rows { get; }

    /// <summary>Columns as seen.</summary>
    public int Cols { get; }

    /// <summary>Elements from one line in memory to the next; a line is a row, or a column when transposed.</summary>
    public long Stride { get; }

    /// <summary>Element (i, j) lies at <c>j * Stride + i</c> (else <c>i * Stride + j</c>).</summary>
    public bool Transposed { get; }

    /// <summary>The transpose: same memory.</summary>
    public MatrixView T => new(Data, IsBF16, Cols, Rows, Stride, !Transposed);

    /// <summary>Rows <paramref name="first"/> and on.</summary>
    public MatrixView Lines(int first, int count) => Part(first, 0, count, Cols);

    /// <summary>Columns <paramref name="first"/> and on.</summary>
    public MatrixView Columns(int first, int count) => Part(0, first, Rows, count);

    MatrixView Part(int row, int column, int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row + rows, Rows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(column + columns, Cols);
        long at = Transposed ? column * Stride + row : row * Stride + column;
        return new((byte*)Data + at * (IsBF16 ? 2 : 4), IsBF16, rows, columns, Stride, Transposed);
    }

    /// <summary>Element (i, j) as float32; for tests and edges.</summary>
    public float this[int i, int j]
    {
        get
        {
            long at = Transposed ? j * Stride + i : i * Stride + j;
            return IsBF16 ? BitConverter.UInt32BitsToSingle((uint)((ushort*)Data)[at] << 16) : ((float*)Data)[at];
        }
    }
}
