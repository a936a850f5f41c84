using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void GatedGroupNorm(Tensor x, Tensor z, int column, int groups, Tensor w, float eps, Tensor y)
    {
        Check.That(x.Cols % groups == 0 && y.Shape == x.Shape && w.Count == x.Cols && z.Rows == x.Rows && column >= 0 && column + x.Cols <= z.Cols, $"{x} gated by {z} from column {column}, {groups} groups, weight {w}");
        using var weight = new ScratchFloats(w);
        var body = new GatedGroupNormBody { X = x.Floats, Z = z.Floats + column, W = weight.Floats, Y = y.Floats, Cols = x.Cols, GateCols = z.Cols, Size = x.Cols / groups, Eps = eps };
        Threads.For(x.Rows, ref body, RowGrain(x.Cols));
    }

    struct GatedGroupNormBody : IParallelBody
    {
        public float* X, Z, W, Y;
        public int Cols, GateCols, Size;
        public float Eps;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                float* x = X + (long)r * Cols, z = Z + (long)r * GateCols, y = Y + (long)r * Cols;
                var i = 0;
                for (; i + V.Width <= Cols; i += V.Width)
                {
                    var gate = V.Load(z + i);
                    (V.Load(x + i) * (gate * Sigmoid(gate))).Store(y + i);
                }
                if (i < Cols)
                {
                    var gate = Lane.LoadPart<V>(z + i, Cols - i);
                    Lane.StorePart(Lane.LoadPart<V>(x + i, Cols - i) * (gate * Sigmoid(gate)), y + i, Cols - i);
                }
                for (i = 0; i < Cols; i += Size) NormRow(y + i, W + i, y + i, Size, Eps);
            }
        }
    }
}
