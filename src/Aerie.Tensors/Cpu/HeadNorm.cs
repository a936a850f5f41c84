namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void HeadNorm(Tensor x, int column, int heads, Tensor w, float eps)
    {
        using var weight = new ScratchFloats(w);
        var body = new HeadNormBody { X = x.Floats + column, W = weight.Floats, Width = x.Cols, Heads = heads, Size = (int)w.Count, Eps = eps };
        Threads.For(x.Rows, ref body, RowGrain(heads * body.Size));
    }

    struct HeadNormBody : IParallelBody
    {
        public float* X, W;
        public int Width, Heads, Size;
        public float Eps;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
                for (var h = 0; h < Heads; h++)
                {
                    var x = X + (long)r * Width + (long)h * Size;
                    NormRow(x, W, x, Size, Eps);
                }
        }
    }
}
