using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void SwiGlu(Tensor gateUp, Tensor y)
    {
        var body = new SwiGluBody { GateUp = gateUp.Floats, Y = y.Floats, Cols = y.Cols };
        Threads.For(y.Rows, ref body, RowGrain(y.Cols));
    }

    public void SwiGluBackward(Tensor dy, Tensor gateUp, Tensor dgateUp, bool accumulate)
    {
        var body = new SwiGluBackwardBody { Dy = dy.Floats, GateUp = gateUp.Floats, D = dgateUp.Floats, Cols = dy.Cols, Accumulate = accumulate };
        Threads.For(dy.Rows, ref body, RowGrain(dy.Cols));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Sigmoid(V x) => V.All(1) / (V.All(1) + Lane.Exp(V.All(0) - x));

    struct SwiGluBody : IParallelBody
    {
        public float* GateUp, Y;
        public int Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                float* gate = GateUp + 2L * r * Cols, y = Y + (long)r * Cols;
                var up = gate + Cols;
                var i = 0;
                for (; i + V.Width <= Cols; i += V.Width) One(V.Load(gate + i), V.Load(up + i)).Store(y + i);
                if (i < Cols) Lane.StorePart(One(Lane.LoadPart<V>(gate + i, Cols - i), Lane.LoadPart<V>(up + i, Cols - i)), y + i, Cols - i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static V One(V gate, V up) => gate * Sigmoid(gate) * up;
    }

    struct SwiGluBackwardBody : IParallelBody
    {
        public float* Dy, GateUp, D;
        public int Cols;
        public bool Accumulate;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                float* gate = GateUp + 2L * r * Cols, dy = Dy + (long)r * Cols, d = D + 2L * r * Cols;
                var i = 0;
                for (; i + V.Width <= Cols; i += V.Width)
                {
                    var (dgate, dup) = One(V.Load(dy + i), V.Load(gate + i), V.Load(gate + Cols + i));
                    if (Accumulate) (dgate, dup) = (dgate + V.Load(d + i), dup + V.Load(d + Cols + i));
                    dgate.Store(d + i);
                    dup.Store(d + Cols + i);
                }
                var n = Cols - i;
                if (n == 0) continue;
                var (lastGate, lastUp) = One(Lane.LoadPart<V>(dy + i, n), Lane.LoadPart<V>(gate + i, n), Lane.LoadPart<V>(gate + Cols + i, n));
                if (Accumulate) (lastGate, lastUp) = (lastGate + Lane.LoadPart<V>(d + i, n), lastUp + Lane.LoadPart<V>(d + Cols + i, n));
                Lane.StorePart(lastGate, d + i, n);
                Lane.StorePart(lastUp, d + Cols + i, n);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static (V, V) One(V dy, V gate, V up)
        {
            var sigma = Sigmoid(gate);
            var silu = gate * sigma;
            return (dy * up * (sigma + silu * (V.All(1) - sigma)), dy * silu);
        }
    }
}
