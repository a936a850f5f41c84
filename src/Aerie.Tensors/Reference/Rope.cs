namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse)
    {
        var (d, half) = (table.HeadSize, table.RotatedSize / 2);
        for (var r = 0; r < x.Rows; r++)
        {
            var cos = table.Cos.Row(positions.I32[r]);
            var sin = table.Sin.Row(positions.I32[r]);
            for (var h = 0; h < heads; h++)
            {
                var head = x.Row(r).Slice(column + h * d, 2 * half);
                for (var i = 0; i < half; i++)
                {
                    var (a, b, s) = (head[i], head[i + half], inverse ? -sin[i] : sin[i]);
                    (head[i], head[i + half]) = (a * cos[i] - b * s, b * cos[i] + a * s);
                }
            }
        }
    }
}
