using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse)
    {
        CheckRows(positions, table.Cos.Rows);
        Check.That(column >= 0 && heads > 0 && column + (heads - 1) * table.HeadSize + table.RotatedSize <= x.Cols, $"{heads} heads of {table.HeadSize} at column {column} of {x}");
        var body = new RopeBody
        {
            X = x.Floats + column, Cos = table.Cos.Floats, Sin = table.Sin.Floats, Positions = (int*)positions.Address,
            Width = x.Cols, Heads = heads, Head = table.HeadSize, Half = table.RotatedSize / 2, Sign = inverse ? -1 : 1,
        };
        Threads.For(x.Rows, ref body, RowGrain(heads * table.RotatedSize));
    }

    struct RopeBody : IParallelBody
    {
        public float* X, Cos, Sin;
        public int* Positions;
        public int Width, Heads, Head, Half;
        public float Sign;

        public readonly void Invoke(int begin, int end)
        {
            var sign = V.All(Sign);
            for (var r = begin; r < end; r++)
            {
                float* cos = Cos + (long)Positions[r] * Half, sin = Sin + (long)Positions[r] * Half;
                for (var h = 0; h < Heads; h++)
                {
                    var a = X + (long)r * Width + (long)h * Head;
                    var b = a + Half;
                    var i = 0;
                    for (; i + V.Width <= Half; i += V.Width)
                    {
                        V left = V.Load(a + i), right = V.Load(b + i), c = V.Load(cos + i), s = sign * V.Load(sin + i);
                        (left * c - right * s).Store(a + i);
                        (right * c + left * s).Store(b + i);
                    }
                    for (; i < Half; i++)
                    {
                        var (left, right, s) = (a[i], b[i], Sign * sin[i]);
                        (a[i], b[i]) = (left * cos[i] - right * s, right * cos[i] + left * s);
                    }
                }
            }
        }
    }
}
