using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse)
    {
        CheckRows(positions, table.Positions);
        var body = new RopeBody
        {
            X = x.Floats + column, Cos = table.Cos.Floats, Sin = table.Sin.Floats, Positions = (int*)positions.Address,
            Width = x.Cols, Heads = heads, Half = table.HeadSize / 2, Sign = inverse ? -1 : 1,
        };
        Threads.For(x.Rows, ref body, RowGrain(heads * table.HeadSize));
    }

    struct RopeBody : IParallelBody
    {
        public float* X, Cos, Sin;
        public int* Positions;
        public int Width, Heads, Half;
        public float Sign;

        public readonly void Invoke(int begin, int end)
        {
            var sign = V.All(Sign);
            for (var r = begin; r < end; r++)
            {
                float* cos = Cos + (long)Positions[r] * Half, sin = Sin + (long)Positions[r] * Half;
                for (var h = 0; h < Heads; h++)
                {
                    var a = X + (long)r * Width + 2L * h * Half;
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
