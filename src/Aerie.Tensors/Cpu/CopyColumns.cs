// One memory copy per row: not worth the pool.
namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void CopyColumns(Tensor x, int xColumn, int count, Tensor y, int yColumn, Tensor? rows)
    {
        Check.That(xColumn >= 0 && xColumn + count <= x.Cols && yColumn >= 0 && yColumn + count <= y.Cols && (rows is null ? x.Rows <= y.Rows : rows.Count == x.Rows),
            $"columns {xColumn}..{xColumn + count} of {x} into {y} from {yColumn}");
        for (var r = 0; r < x.Rows; r++)
        {
            var to = rows is null ? r : rows.I32[r];
            Check.That((uint)to < (uint)y.Rows, $"row {to} of {y}");
            var from = new ReadOnlySpan<float>(x.Floats + (long)r * x.Cols + xColumn, count);
            var at = (long)to * y.Cols + yColumn;
            if (y.DType == DType.BF16) BFloat16.FromFloat(from, new Span<ushort>((ushort*)y.Address + at, count));
            else from.CopyTo(new Span<float>(y.Floats + at, count));
        }
    }

    public void CopyHeads(Tensor x, int xColumn, int xStride, int count, int heads, Tensor y, int yColumn, int yStride)
    {
        Check.That(xColumn >= 0 && xStride >= 0 && count >= 0 && xColumn + (heads - 1L) * xStride + count <= x.Cols, $"{heads} heads of {count} from {x} at {xColumn}, {xStride}");
        Check.That(yColumn >= 0 && yStride >= count && yColumn + (heads - 1L) * yStride + count <= y.Cols && y.Rows >= x.Rows, $"{heads} heads of {count} into {y} at {yColumn}, {yStride}");
        for (var r = 0; r < x.Rows; r++)
            for (var h = 0; h < heads; h++)
                Buffer.MemoryCopy(x.Floats + (long)r * x.Cols + xColumn + (long)h * xStride, y.Floats + (long)r * y.Cols + yColumn + (long)h * yStride, count * 4L, count * 4L);
    }
}
