using System.Runtime.Intrinsics;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void AdamW(Tensor value, Tensor gradient, Tensor m, Tensor v, float scale, AdamWUpdate update)
    {
        var body = new AdamWBody
        {
            P = value.Floats, G = gradient.Floats, M = m.Floats, V2 = v.Floats, Scale = scale,
            Beta1 = (float)update.Beta1, Rest1 = (float)(1 - update.Beta1), Beta2 = (float)update.Beta2, Rest2 = (float)(1 - update.Beta2),
            Keep = (float)(1 - update.LearningRate * update.WeightDecay), Rate = (float)(update.LearningRate / update.Correction1),
            RootCorrection = (float)Math.Sqrt(update.Correction2), Epsilon = (float)update.Epsilon,
        };
        EachBlock(value.Count, ref body);
    }

    public double SumOfSquares(Tensor x)
    {
        var blocks = (int)((x.Count + SquaresBody.Block - 1) / SquaresBody.Block);
        using var partial = new ScratchFloats(2L * blocks);
        var body = new SquaresBody { X = x.Floats, Sums = (double*)partial.Floats, Count = x.Count };
        Threads.For(blocks, ref body);
        double sum = 0;
        for (var b = 0; b < blocks; b++) sum += body.Sums[b];
        return sum;
    }

    struct AdamWBody : IFlatBody
    {
        public float* P, G, M, V2;
        public float Scale, Beta1, Rest1, Beta2, Rest2, Keep, Rate, RootCorrection, Epsilon;

        public readonly void Do(long begin, long end)
        {
            for (var i = begin; i < end; i += V.Width)
            {
                var n = (int)Math.Min(V.Width, end - i);
                var whole = n == V.Width;
                V p = whole ? V.Load(P + i) : Lane.LoadPart<V>(P + i, n), g = whole ? V.Load(G + i) : Lane.LoadPart<V>(G + i, n),
                    m = whole ? V.Load(M + i) : Lane.LoadPart<V>(M + i, n), v = whole ? V.Load(V2 + i) : Lane.LoadPart<V>(V2 + i, n);
                g *= V.All(Scale);
                m = V.MulAdd(V.All(Rest1), g, V.All(Beta1) * m);
                v = V.MulAdd(V.All(Rest2), g * g, V.All(Beta2) * v);
                p = V.All(Keep) * p - V.All(Rate) * m / (V.Sqrt(v) / V.All(RootCorrection) + V.All(Epsilon));
                if (whole)
                {
                    p.Store(P + i);
                    m.Store(M + i);
                    v.Store(V2 + i);
                    V.All(0).Store(G + i);
                }
                else
                {
                    Lane.StorePart(p, P + i, n);
                    Lane.StorePart(m, M + i, n);
                    Lane.StorePart(v, V2 + i, n);
                    Lane.StorePart(V.All(0), G + i, n);
                }
            }
        }
    }

    /// <summary>Sums of fixed blocks, eight float64 partial sums each whatever the lanes: the same bits on every machine.</summary>
    struct SquaresBody : IParallelBody
    {
        public const int Block = 1 << 15;
        public float* X;
        public double* Sums;
        public long Count;

        public readonly void Invoke(int begin, int end)
        {
            for (var b = begin; b < end; b++)
            {
                var (i, last) = ((long)b * Block, Math.Min((b + 1L) * Block, Count));
                Vector256<double> low = default, high = default;
                for (; i + 8 <= last; i += 8)
                {
                    var (l, h) = Vector256.Widen(Vector256.Load(X + i));
                    low += l * l;
                    high += h * h;
                }
                var sum = Vector256.Sum(low + high);
                for (; i < last; i++) sum += (double)X[i] * X[i];
                Sums[b] = sum;
            }
        }
    }
}
