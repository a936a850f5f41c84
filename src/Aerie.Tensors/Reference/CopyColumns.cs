namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void CopyColumns(Tensor x, int xColumn, int count, Tensor y, int yColumn, Tensor? rows)
    {
        for (var r = 0; r < x.Rows; r++)
            for (var c = 0; c < count; c++)
            {
                var at = (rows is null ? r : rows.I32[r]) * (long)y.Cols + yColumn + c;
                var value = x.Row(r)[xColumn + c];
                if (y.DType == DType.BF16) y.BF16[(int)at] = BFloat16.FromFloat(value);
                else y.F32[(int)at] = value;
            }
    }

    public void CopyHeads(Tensor x, int xColumn, int xStride, int count, int heads, Tensor y, int yColumn, int yStride)
    {
        for (var h = 0; h < heads; h++) CopyColumns(x, xColumn + h * xStride, count, y, yColumn + h * yStride, null);
    }
}
