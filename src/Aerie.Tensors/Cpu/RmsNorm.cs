using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void RmsNorm(Tensor x, Tensor w, float eps, Tensor y, Tensor scale)
    {
        using var weight = new ScratchFloats(w);
        var body = new RmsNormBody { X = x.Floats, W = weight.Floats, Y = y.Floats, Scale = scale.Floats, Cols = x.Cols, Eps = eps };
        Threads.For(x.Rows, ref body, RowGrain(x.Cols));
    }

    public void RmsNormBackward(Tensor dy, Tensor x, Tensor w, Tensor scale, Tensor? dx, bool accumulate, Tensor? dw)
    {
        // dw: rows in fixed blocks, each block's sum by one thread, then the blocks in order
        var blocks = (x.Rows + RmsNormBackwardBody.BlockRows - 1) / RmsNormBackwardBody.BlockRows;
        using var weight = new ScratchFloats(w);
        using var partial = new ScratchFloats(dw is null ? 0 : (long)blocks * x.Cols);
        var body = new RmsNormBackwardBody
        {
            Dy = dy.Floats, X = x.Floats, W = weight.Floats, Scale = scale.Floats, Dx = dx is null ? null : dx.Floats,
            Partial = dw is null ? null : partial.Floats, Rows = x.Rows, Cols = x.Cols, Accumulate = accumulate,
        };
        Threads.For(blocks, ref body);
        for (var b = 0; dw is not null && b < blocks; b++)
            new AddBody { A = dw.Floats, B = partial.Floats + (long)b * x.Cols, Y = dw.Floats }.Do(0, x.Cols);
    }

    /// <summary>a·b of n floats, in a fixed shape.</summary>
    static float Dot(float* a, float* b, int n)
    {
        V s0 = V.All(0), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i + 4 * V.Width <= n; i += 4 * V.Width)
        {
            s0 = V.MulAdd(V.Load(a + i), V.Load(b + i), s0);
            s1 = V.MulAdd(V.Load(a + i + V.Width), V.Load(b + i + V.Width), s1);
            s2 = V.MulAdd(V.Load(a + i + 2 * V.Width), V.Load(b + i + 2 * V.Width), s2);
            s3 = V.MulAdd(V.Load(a + i + 3 * V.Width), V.Load(b + i + 3 * V.Width), s3);
        }
        for (; i + V.Width <= n; i += V.Width) s0 = V.MulAdd(V.Load(a + i), V.Load(b + i), s0);
        if (i < n) s1 = V.MulAdd(Lane.LoadPart<V>(a + i, n - i), Lane.LoadPart<V>(b + i, n - i), s1);
        return Lane.Sum4(s0, s1, s2, s3);
    }

    struct RmsNormBody : IParallelBody
    {
        public float* X, W, Y, Scale;
        public int Cols;
        public float Eps;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++) Scale[r] = NormRow(X + (long)r * Cols, W, Y + (long)r * Cols, Cols, Eps);
        }
    }

    /// <summary>y = x · s · w; the s of n floats. y may be x.</summary>
    static float NormRow(float* x, float* w, float* y, int n, float eps)
    {
        var s = (float)(1 / Math.Sqrt((double)Dot(x, x, n) / n + eps));
        var lanes = V.All(s);
        var i = 0;
        for (; i + V.Width <= n; i += V.Width) (V.Load(x + i) * lanes * V.Load(w + i)).Store(y + i);
        for (; i < n; i++) y[i] = x[i] * s * w[i];
        return s;
    }

    struct RmsNormBackwardBody : IParallelBody
    {
        public const int BlockRows = 32;
        public float* Dy, X, W, Scale, Dx, Partial;
        public int Rows, Cols;
        public bool Accumulate;

        public readonly void Invoke(int begin, int end)
        {
            for (var block = begin; block < end; block++)
            {
                var last = Math.Min(Rows, (block + 1) * BlockRows);
                var dw = Partial == null ? null : Partial + (long)block * Cols;
                if (dw != null) new Span<float>(dw, Cols).Clear();
                for (var r = block * BlockRows; r < last; r++)
                {
                    float* dy = Dy + (long)r * Cols, x = X + (long)r * Cols;
                    if (dw != null) AddWeight(dy, x, Scale[r], dw);
                    if (Dx != null) Input(dy, x, Scale[r], Dx + (long)r * Cols);
                }
            }
        }

        readonly void AddWeight(float* dy, float* x, float s, float* dw)
        {
            var lanes = V.All(s);
            var i = 0;
            for (; i + V.Width <= Cols; i += V.Width) V.MulAdd(V.Load(dy + i), V.Load(x + i) * lanes, V.Load(dw + i)).Store(dw + i);
            for (; i < Cols; i++) dw[i] += dy[i] * (x[i] * s);
        }

        readonly void Input(float* dy, float* x, float s, float* dx)
        {
            V dot = V.All(0), dot2 = dot;
            var i = 0;
            for (; i + 2 * V.Width <= Cols; i += 2 * V.Width)
            {
                dot = V.MulAdd(V.Load(dy + i) * V.Load(W + i), V.Load(x + i), dot);
                dot2 = V.MulAdd(V.Load(dy + i + V.Width) * V.Load(W + i + V.Width), V.Load(x + i + V.Width), dot2);
            }
            for (; i + V.Width <= Cols; i += V.Width) dot = V.MulAdd(V.Load(dy + i) * V.Load(W + i), V.Load(x + i), dot);
            var sum = V.Sum(dot + dot2);
            for (; i < Cols; i++) sum += dy[i] * W[i] * x[i];
            var pull = (float)((double)s * s * sum / Cols);
            V scale = V.All(s), lanes = V.All(-pull);
            for (i = 0; i + V.Width <= Cols; i += V.Width)
            {
                var d = scale * V.MulAdd(V.Load(x + i), lanes, V.Load(dy + i) * V.Load(W + i));
                if (Accumulate) d += V.Load(dx + i);
                d.Store(dx + i);
            }
            for (; i < Cols; i++)
            {
                var d = s * (dy[i] * W[i] - x[i] * pull);
                dx[i] = Accumulate ? dx[i] + d : d;
            }
        }
    }
}
