using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void SoftCrossEntropy(Tensor logits, Tensor teacher, Tensor teacherRows, Tensor? mass, SoftLoss loss, float weight,
        Tensor crossEntropy, Tensor acceptance, Tensor argmax, bool gradient)
    {
        CheckRows(teacherRows, teacher.Rows);
        var body = new SoftBody
        {
            Z = logits.Floats, Teacher = (byte*)teacher.Address, TeacherIsBF16 = teacher.DType == DType.BF16, Rows = (int*)teacherRows.Address,
            Mass = mass is null ? null : mass.Floats, Loss = loss, Weight = weight, CrossEntropies = crossEntropy.Floats,
            Acceptances = acceptance.Floats, Argmax = (int*)argmax.Address, Cols = logits.Cols, Gradient = gradient,
        };
        Threads.For(logits.Rows, ref body, RowGrain(logits.Cols));
    }

    public void SelectedSoftmax(Tensor logits, Tensor ids, Tensor probs, Tensor argmax, Tensor? mass)
    {
        CheckRows(ids, logits.Cols);
        var body = new SelectedBody
        {
            Z = logits.Floats, Ids = (int*)ids.Address, Probs = (byte*)probs.Address, ProbsAreBF16 = probs.DType == DType.BF16,
            Argmax = (int*)argmax.Address, Mass = mass is null ? null : mass.Floats, Cols = logits.Cols, Selected = probs.Cols,
        };
        Threads.For(logits.Rows, ref body, RowGrain(logits.Cols));
    }

    struct SoftBody : IParallelBody
    {
        public float* Z, Mass, CrossEntropies, Acceptances;
        public byte* Teacher;
        public int* Rows, Argmax;
        public int Cols;
        public float Weight;
        public SoftLoss Loss;
        public bool TeacherIsBF16, Gradient;

        public readonly void Invoke(int begin, int end)
        {
            using var widened = new ScratchFloats(TeacherIsBF16 ? Cols : 0);
            using var terms = new ScratchFloats(Gradient ? 0 : Cols);
            for (var r = begin; r < end; r++)
            {
                var p = (float*)Teacher + (long)Rows[r] * Cols;
                if (TeacherIsBF16) Widen((ushort*)Teacher + (long)Rows[r] * Cols, p = widened.Floats, Cols);
                Row(r, Z + (long)r * Cols, p, Mass == null ? 1 : Mass[Rows[r]], Gradient ? Z + (long)r * Cols : terms.Floats);
            }
        }

        /// <summary>e (it may be z) receives exp(z − max), then the gradient if wanted.</summary>
        readonly void Row(int r, float* z, float* p, float mass, float* e)
        {
            var max = MaxOf(z, Cols);
            Argmax[r] = IndexOfMax(z, Cols, max);
            // CE = Σp·(max + log Σe) − Σ p z
            V pz0 = V.All(0), pz1 = pz0, p0 = pz0, p1 = pz0, m = V.All(max);
            var i = 0;
            for (; i + 2 * V.Width <= Cols; i += 2 * V.Width)
            {
                V a = V.Load(p + i), b = V.Load(p + i + V.Width);
                pz0 = V.MulAdd(a, V.Load(z + i) - m, pz0);
                pz1 = V.MulAdd(b, V.Load(z + i + V.Width) - m, pz1);
                p0 += a;
                p1 += b;
            }
            var (pz, pSum) = ((double)V.Sum(pz0 + pz1), (double)V.Sum(p0 + p1));
            for (; i < Cols; i++)
            {
                pz += (double)p[i] * (z[i] - max);
                pSum += p[i];
            }
            var sum = SumOfExp(z, Cols, max, e);
            CrossEntropies[r] = (float)(pSum * Math.Log(sum) - pz);
            var (accepted, below) = Overlap(e, p, mass, 1 / sum);
            Acceptances[r] = accepted;
            if (!Gradient) return;
            // loss falls by this much per unit of acceptance; log 0 contributes nothing
            var perAcceptance = Loss.OneMinusAcceptance + (accepted > 0 ? Loss.MinusLogAcceptance / accepted : 0);
            if (perAcceptance == 0) PlainGradient(e, p, Weight * Loss.CrossEntropy, 1 / sum);
            else FullGradient(e, p, mass, 1 / sum, perAcceptance, below);
        }

        /// <summary>Σ min(m p, q) and Σ q [q &lt;= m p] for q = e · inverse.</summary>
        readonly (float, float) Overlap(float* e, float* p, float mass, float inverse)
        {
            V a0 = V.All(0), b0 = a0, m = V.All(mass), inv = V.All(inverse);
            var i = 0;
            for (; i + V.Width <= Cols; i += V.Width)
            {
                V q = V.Load(e + i) * inv, mp = m * V.Load(p + i);
                a0 += V.Min(mp, q);
                b0 += V.IfAtMost(q, mp, q, V.All(0));
            }
            var (a, b) = (V.Sum(a0), V.Sum(b0));
            for (; i < Cols; i++)
            {
                float q = e[i] * inverse, mp = mass * p[i];
                a += MathF.Min(mp, q);
                if (q <= mp) b += q;
            }
            return (a, b);
        }

        readonly void PlainGradient(float* e, float* p, float weight, float inverse)
        {
            V w = V.All(weight), inv = V.All(inverse);
            var i = 0;
            for (; i + V.Width <= Cols; i += V.Width) (w * (V.Load(e + i) * inv - V.Load(p + i))).Store(e + i);
            for (; i < Cols; i++) e[i] = weight * (e[i] * inverse - p[i]);
        }

        /// <summary>weight · (ce (q − p) − perAcceptance · q ([q &lt;= m p] − below)).</summary>
        readonly void FullGradient(float* e, float* p, float mass, float inverse, float perAcceptance, float below)
        {
            for (var i = 0; i < Cols; i += V.Width)
            {
                var n = Math.Min(V.Width, Cols - i);
                var whole = n == V.Width;
                V q = (whole ? V.Load(e + i) : Lane.LoadPart<V>(e + i, n)) * V.All(inverse), t = whole ? V.Load(p + i) : Lane.LoadPart<V>(p + i, n);
                var side = V.IfAtMost(q, V.All(mass) * t, V.All(1 - below), V.All(-below));
                var d = V.All(Weight) * (V.All(Loss.CrossEntropy) * (q - t) - V.All(perAcceptance) * q * side);
                if (whole) d.Store(e + i);
                else Lane.StorePart(d, e + i, n);
            }
        }
    }

    static void Widen(ushort* from, float* to, int n)
    {
        var i = 0;
        for (; i + V.Width <= n; i += V.Width) V.LoadBF16(from + i).Store(to + i);
        for (; i < n; i++) to[i] = BFloat16.ToFloat(from[i]);
    }

    struct SelectedBody : IParallelBody
    {
        public float* Z, Mass;
        public byte* Probs;
        public int* Ids, Argmax;
        public int Cols, Selected;
        public bool ProbsAreBF16;

        public readonly void Invoke(int begin, int end)
        {
            using var row = new ScratchFloats(ProbsAreBF16 ? Selected : 0);
            for (var r = begin; r < end; r++)
            {
                var z = Z + (long)r * Cols;
                var e = ProbsAreBF16 ? row.Floats : (float*)Probs + (long)r * Selected;
                var max = MaxOf(z, Cols);
                Argmax[r] = IndexOfMax(z, Cols, max);
                for (var i = 0; i < Selected; i++) e[i] = z[Ids[i]];
                var selectedMax = MaxOf(e, Selected);
                var sum = SumOfExp(e, Selected, selectedMax, e);
                if (Mass != null) Mass[r] = (float)(sum * Math.Exp((double)selectedMax - max) / SumOfExp(z, Cols, max, null));
                Scale(e, Selected, 1 / sum);
                if (ProbsAreBF16) Narrow(e, (ushort*)Probs + (long)r * Selected);
            }
        }

        readonly void Narrow(float* from, ushort* to)
        {
            var i = 0;
            for (; i + V.Width <= Selected; i += V.Width) V.Load(from + i).StoreBF16(to + i);
            for (; i < Selected; i++) to[i] = BFloat16.FromFloat(from[i]);
        }
    }
}
