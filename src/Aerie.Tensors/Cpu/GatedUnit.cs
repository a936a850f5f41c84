using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void GatedUnit(Gate gate, Tensor gateUp, Tensor y)
    {
        Check.That(gateUp.Rows == y.Rows && gateUp.Cols == 2 * y.Cols, $"{gateUp} into {y}");
        if (gate.Kind == GateKind.GeluTanh) Gated(new GeluTanh(), gateUp, y);
        else if (gate.Kind == GateKind.ClampedSwiGlu) Gated(new ClampedSwiGlu { Alpha = gate.Alpha, Limit = gate.Limit }, gateUp, y);
        else SwiGlu(gateUp, y);
    }

    public void SquaredRelu(Tensor x, Tensor y)
    {
        Check.That(x.Count == y.Count, $"{x} into {y}");
        var body = new MapBody<Squared> { X = x.Floats, Y = y.Floats };
        EachBlock(y.Count, ref body);
    }

    static void Gated<TGate>(TGate gate, Tensor gateUp, Tensor y) where TGate : struct, IGate
    {
        var body = new GatedBody<TGate> { Gate = gate, GateUp = gateUp.Floats, Y = y.Floats, Cols = y.Cols };
        Threads.For(y.Rows, ref body, RowGrain(y.Cols));
    }

    interface IGate
    {
        V Of(V gate, V up);
    }

    struct GatedBody<TGate> : IParallelBody where TGate : struct, IGate
    {
        public TGate Gate;
        public float* GateUp, Y;
        public int Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                float* gate = GateUp + 2L * r * Cols, up = gate + Cols, y = Y + (long)r * Cols;
                var i = 0;
                for (; i + V.Width <= Cols; i += V.Width) Gate.Of(V.Load(gate + i), V.Load(up + i)).Store(y + i);
                if (i < Cols) Lane.StorePart(Gate.Of(Lane.LoadPart<V>(gate + i, Cols - i), Lane.LoadPart<V>(up + i, Cols - i)), y + i, Cols - i);
            }
        }
    }

    struct GeluTanh : IGate
    {
        /// <summary>1/2 (1 + tanh u) = σ(2u): no difference of nearly equal numbers.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly V Of(V gate, V up)
            => gate * Sigmoid(V.All(1.59576912f) * V.MulAdd(V.All(0.044715f) * gate * gate, gate, gate)) * up;
    }

    struct ClampedSwiGlu : IGate
    {
        public float Alpha, Limit;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly V Of(V gate, V up)
        {
            gate = V.Min(V.All(Limit), gate);
            up = V.Max(V.All(-Limit), V.Min(V.All(Limit), up));
            return (up + V.All(1)) * gate * Sigmoid(V.All(Alpha) * gate);
        }
    }

    struct Squared : IMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly V Of(V x)
        {
            x = V.Max(V.All(0), x);
            return x * x;
        }
    }
}
