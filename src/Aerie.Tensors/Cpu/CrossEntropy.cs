using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void CrossEntropy(Tensor logits, Tensor labels, Tensor weights, Tensor losses, Tensor hits, bool gradient)
    {
        var n = logits.Cols;
        foreach (var label in labels.I32) Check.That(label >= -1 && label < n, $"label {label} of {n}");
        var body = new CrossEntropyBody
        {
            Z = logits.Floats, Weights = weights.Floats, Losses = losses.Floats, Labels = (int*)labels.Address, Hits = (int*)hits.Address,
            Cols = n, Gradient = gradient,
        };
        Threads.For(logits.Rows, ref body, RowGrain(n));
    }

    public void Argmax(Tensor logits, Tensor ids)
    {
        var body = new ArgmaxBody { Z = logits.Floats, Ids = (int*)ids.Address, Cols = logits.Cols };
        Threads.For(logits.Rows, ref body, RowGrain(logits.Cols));
    }

    static float MaxOf(float* z, int n)
    {
        V m0 = V.All(float.NegativeInfinity), m1 = m0, m2 = m0, m3 = m0;
        var i = 0;
        for (; i + 4 * V.Width <= n; i += 4 * V.Width)
        {
            m0 = V.Max(m0, V.Load(z + i));
            m1 = V.Max(m1, V.Load(z + i + V.Width));
            m2 = V.Max(m2, V.Load(z + i + 2 * V.Width));
            m3 = V.Max(m3, V.Load(z + i + 3 * V.Width));
        }
        for (; i + V.Width <= n; i += V.Width) m0 = V.Max(m0, V.Load(z + i));
        var max = V.MaxOf(V.Max(V.Max(m0, m1), V.Max(m2, m3)));
        for (; i < n; i++) max = MathF.Max(max, z[i]);
        return max;
    }

    /// <summary>The first position of the largest value (0 if all are NaN).</summary>
    static int IndexOfMax(float* z, int n, float max)
    {
        V most = V.All(max), found = V.All(0), one = V.All(1);
        var i = 0;
        for (; i + 4 * V.Width <= n; i += 4 * V.Width)
        {
            for (var j = 0; j < 4; j++) found = V.IfAtMost(most, V.Load(z + i + j * V.Width), one, found);
            if (V.MaxOf(found) > 0) break;
        }
        while (i < n && z[i] != max) i++;
        return i < n ? i : 0;
    }

    /// <summary>Σ exp(z − max), in a fixed shape; the terms are left in <paramref name="terms"/> if not null (it may be z).</summary>
    static float SumOfExp(float* z, int n, float max, float* terms)
    {
        V m = V.All(max), s0 = V.All(0), s1 = s0;
        var i = 0;
        for (; i + 2 * V.Width <= n; i += 2 * V.Width)
        {
            V e0 = Lane.Exp(V.Load(z + i) - m), e1 = Lane.Exp(V.Load(z + i + V.Width) - m);
            if (terms != null)
            {
                e0.Store(terms + i);
                e1.Store(terms + i + V.Width);
            }
            s0 += e0;
            s1 += e1;
        }
        var sum = V.Sum(s0 + s1);
        for (; i < n; i += V.Width)
        {
            var part = Math.Min(V.Width, n - i);
            var e = Lane.Exp(Lane.LoadPart<V>(z + i, part) - m);
            for (var j = 0; j < part; j++)
            {
                sum += ((float*)&e)[j];
                if (terms != null) terms[i + j] = ((float*)&e)[j];
            }
        }
        return sum;
    }

    struct CrossEntropyBody : IParallelBody
    {
        public float* Z, Weights, Losses;
        public int* Labels, Hits;
        public int Cols;
        public bool Gradient;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                var z = Z + (long)r * Cols;
                var (label, weight) = (Labels[r], Weights[r]);
                if (label < 0)
                {
                    (Losses[r], Hits[r]) = (0, 0);
                    if (Gradient) new Span<float>(z, Cols).Clear();
                    continue;
                }
                var max = MaxOf(z, Cols);
                Hits[r] = z[label] == max && IndexOfMax(z, Cols, max) == label ? 1 : 0;
                double own = z[label];
                var sum = SumOfExp(z, Cols, max, Gradient ? z : null);
                Losses[r] = (float)(weight * (max + Math.Log(sum) - own));
                if (!Gradient) continue;
                var factor = weight / sum;
                Scale(z, Cols, factor);
                z[label] = (float)(weight * (Math.Exp(own - max) / sum - 1));
            }
        }
    }

    static void Scale(float* z, int n, float factor)
    {
        var lanes = V.All(factor);
        var i = 0;
        for (; i + V.Width <= n; i += V.Width) (V.Load(z + i) * lanes).Store(z + i);
        for (; i < n; i++) z[i] *= factor;
    }

    struct ArgmaxBody : IParallelBody
    {
        public float* Z;
        public int* Ids;
        public int Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++) Ids[r] = IndexOfMax(Z + (long)r * Cols, Cols, MaxOf(Z + (long)r * Cols, Cols));
        }
    }
}
