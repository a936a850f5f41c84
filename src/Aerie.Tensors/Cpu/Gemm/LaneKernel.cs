// The inner kernel over vectors: rows x 2 vectors of accumulators, written once for every lane width. Which rows exist is a constant of the type
// argument, so the compiler drops the rest. bfloat16 pairs are widened on the way: memory carries 16 bits, sums are float32.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Aerie.Tensors.Cpu;

static class LaneKernel
{
    public static GemmKernel Create<TLane, TV>(Precision precision) where TLane : struct, IKernelLane<TV> where TV : struct =>
        precision == Precision.F32 ? new LaneKernel<TLane, TV, Floats>() : new LaneKernel<TLane, TV, Pairs>();
}

interface IPairs
{
    static abstract bool Value { get; }
}

readonly struct Floats : IPairs
{
    public static bool Value => false;
}

readonly struct Pairs : IPairs
{
    public static bool Value => true;
}

interface IRows
{
    static abstract int Count { get; }
}

readonly struct R1 : IRows { public static int Count => 1; }
readonly struct R2 : IRows { public static int Count => 2; }
readonly struct R3 : IRows { public static int Count => 3; }
readonly struct R4 : IRows { public static int Count => 4; }
readonly struct R5 : IRows { public static int Count => 5; }
readonly struct R6 : IRows { public static int Count => 6; }
readonly struct R7 : IRows { public static int Count => 7; }
readonly struct R8 : IRows { public static int Count => 8; }
readonly struct R9 : IRows { public static int Count => 9; }
readonly struct R10 : IRows { public static int Count => 10; }
readonly struct R11 : IRows { public static int Count => 11; }
readonly struct R12 : IRows { public static int Count => 12; }

sealed unsafe class LaneKernel<TLane, TV, TPairs> : GemmKernel where TLane : struct, IKernelLane<TV> where TV : struct where TPairs : struct, IPairs
{
    public override string Name => TLane.Name + (TPairs.Value ? " (bf16 widened)" : "");
    public override int Width => 2 * TLane.Count;
    public override int MaxRows => TLane.MaxRows;
    public override int BlockBytes => TLane.Count == 16 ? base.BlockBytes : base.BlockBytes / 2;
    public override PackFormat FormatA => TPairs.Value ? PackFormat.RoundedFloat : PackFormat.Float;
    public override PackFormat FormatB => TPairs.Value ? PackFormat.PairBF16 : PackFormat.Float;

    public override void Run(int rows, uint* a, uint* b, int steps, float* c, long cStride, bool load, bool stream)
    {
        long ahead = stream ? StreamAhead : 0;
        switch (rows)
        {
            case 1: Tile<R1>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 2: Tile<R2>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 3: Tile<R3>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 4: Tile<R4>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 5: Tile<R5>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 6: Tile<R6>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 7: Tile<R7>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 8: Tile<R8>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 9: Tile<R9>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 10: Tile<R10>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 11: Tile<R11>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            case 12: Tile<R12>((float*)a, (float*)b, steps, c, cStride, load, ahead); break;
            default: throw new ArgumentOutOfRangeException(nameof(rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile<TRows>(float* a, float* b, int steps, float* c, long cStride, bool load, long ahead) where TRows : struct, IRows
    {
        TV s0 = default, t0 = default;
        TV s1 = default, t1 = default;
        TV s2 = default, t2 = default;
        TV s3 = default, t3 = default;
        TV s4 = default, t4 = default;
        TV s5 = default, t5 = default;
        TV s6 = default, t6 = default;
        TV s7 = default, t7 = default;
        TV s8 = default, t8 = default;
        TV s9 = default, t9 = default;
        TV s10 = default, t10 = default;
        TV s11 = default, t11 = default;
        if (load)
        {
            if (TRows.Count > 0) { s0 = TLane.Load(c + 0 * cStride); t0 = TLane.Load(c + 0 * cStride + TLane.Count); }
            if (TRows.Count > 1) { s1 = TLane.Load(c + 1 * cStride); t1 = TLane.Load(c + 1 * cStride + TLane.Count); }
            if (TRows.Count > 2) { s2 = TLane.Load(c + 2 * cStride); t2 = TLane.Load(c + 2 * cStride + TLane.Count); }
            if (TRows.Count > 3) { s3 = TLane.Load(c + 3 * cStride); t3 = TLane.Load(c + 3 * cStride + TLane.Count); }
            if (TRows.Count > 4) { s4 = TLane.Load(c + 4 * cStride); t4 = TLane.Load(c + 4 * cStride + TLane.Count); }
            if (TRows.Count > 5) { s5 = TLane.Load(c + 5 * cStride); t5 = TLane.Load(c + 5 * cStride + TLane.Count); }
            if (TRows.Count > 6) { s6 = TLane.Load(c + 6 * cStride); t6 = TLane.Load(c + 6 * cStride + TLane.Count); }
            if (TRows.Count > 7) { s7 = TLane.Load(c + 7 * cStride); t7 = TLane.Load(c + 7 * cStride + TLane.Count); }
            if (TRows.Count > 8) { s8 = TLane.Load(c + 8 * cStride); t8 = TLane.Load(c + 8 * cStride + TLane.Count); }
            if (TRows.Count > 9) { s9 = TLane.Load(c + 9 * cStride); t9 = TLane.Load(c + 9 * cStride + TLane.Count); }
            if (TRows.Count > 10) { s10 = TLane.Load(c + 10 * cStride); t10 = TLane.Load(c + 10 * cStride + TLane.Count); }
            if (TRows.Count > 11) { s11 = TLane.Load(c + 11 * cStride); t11 = TLane.Load(c + 11 * cStride + TLane.Count); }
        }

        for (float* end = b + (long)steps * 2 * TLane.Count; b != end; b += 2 * TLane.Count)
        {
            if (Sse.IsSupported)
            {
                Sse.Prefetch0((byte*)b + ahead);
                if (TLane.Count > 8)
                    Sse.Prefetch0((byte*)b + ahead + 64);
            }

            TV u = TLane.Load(b), v = TLane.Load(b + TLane.Count);
            if (TPairs.Value)
            {
                TV p = TLane.Low(u), q = TLane.Low(v), x;
                if (TRows.Count > 0) { x = TLane.Broadcast(a + 0); s0 = TLane.MultiplyAdd(x, p, s0); t0 = TLane.MultiplyAdd(x, q, t0); }
                if (TRows.Count > 1) { x = TLane.Broadcast(a + 1); s1 = TLane.MultiplyAdd(x, p, s1); t1 = TLane.MultiplyAdd(x, q, t1); }
                if (TRows.Count > 2) { x = TLane.Broadcast(a + 2); s2 = TLane.MultiplyAdd(x, p, s2); t2 = TLane.MultiplyAdd(x, q, t2); }
                if (TRows.Count > 3) { x = TLane.Broadcast(a + 3); s3 = TLane.MultiplyAdd(x, p, s3); t3 = TLane.MultiplyAdd(x, q, t3); }
                if (TRows.Count > 4) { x = TLane.Broadcast(a + 4); s4 = TLane.MultiplyAdd(x, p, s4); t4 = TLane.MultiplyAdd(x, q, t4); }
                if (TRows.Count > 5) { x = TLane.Broadcast(a + 5); s5 = TLane.MultiplyAdd(x, p, s5); t5 = TLane.MultiplyAdd(x, q, t5); }
                if (TRows.Count > 6) { x = TLane.Broadcast(a + 6); s6 = TLane.MultiplyAdd(x, p, s6); t6 = TLane.MultiplyAdd(x, q, t6); }
                if (TRows.Count > 7) { x = TLane.Broadcast(a + 7); s7 = TLane.MultiplyAdd(x, p, s7); t7 = TLane.MultiplyAdd(x, q, t7); }
                if (TRows.Count > 8) { x = TLane.Broadcast(a + 8); s8 = TLane.MultiplyAdd(x, p, s8); t8 = TLane.MultiplyAdd(x, q, t8); }
                if (TRows.Count > 9) { x = TLane.Broadcast(a + 9); s9 = TLane.MultiplyAdd(x, p, s9); t9 = TLane.MultiplyAdd(x, q, t9); }
                if (TRows.Count > 10) { x = TLane.Broadcast(a + 10); s10 = TLane.MultiplyAdd(x, p, s10); t10 = TLane.MultiplyAdd(x, q, t10); }
                if (TRows.Count > 11) { x = TLane.Broadcast(a + 11); s11 = TLane.MultiplyAdd(x, p, s11); t11 = TLane.MultiplyAdd(x, q, t11); }
                a += TRows.Count;
                p = TLane.High(u);
                q = TLane.High(v);
                if (TRows.Count > 0) { x = TLane.Broadcast(a + 0); s0 = TLane.MultiplyAdd(x, p, s0); t0 = TLane.MultiplyAdd(x, q, t0); }
                if (TRows.Count > 1) { x = TLane.Broadcast(a + 1); s1 = TLane.MultiplyAdd(x, p, s1); t1 = TLane.MultiplyAdd(x, q, t1); }
                if (TRows.Count > 2) { x = TLane.Broadcast(a + 2); s2 = TLane.MultiplyAdd(x, p, s2); t2 = TLane.MultiplyAdd(x, q, t2); }
                if (TRows.Count > 3) { x = TLane.Broadcast(a + 3); s3 = TLane.MultiplyAdd(x, p, s3); t3 = TLane.MultiplyAdd(x, q, t3); }
                if (TRows.Count > 4) { x = TLane.Broadcast(a + 4); s4 = TLane.MultiplyAdd(x, p, s4); t4 = TLane.MultiplyAdd(x, q, t4); }
                if (TRows.Count > 5) { x = TLane.Broadcast(a + 5); s5 = TLane.MultiplyAdd(x, p, s5); t5 = TLane.MultiplyAdd(x, q, t5); }
                if (TRows.Count > 6) { x = TLane.Broadcast(a + 6); s6 = TLane.MultiplyAdd(x, p, s6); t6 = TLane.MultiplyAdd(x, q, t6); }
                if (TRows.Count > 7) { x = TLane.Broadcast(a + 7); s7 = TLane.MultiplyAdd(x, p, s7); t7 = TLane.MultiplyAdd(x, q, t7); }
                if (TRows.Count > 8) { x = TLane.Broadcast(a + 8); s8 = TLane.MultiplyAdd(x, p, s8); t8 = TLane.MultiplyAdd(x, q, t8); }
                if (TRows.Count > 9) { x = TLane.Broadcast(a + 9); s9 = TLane.MultiplyAdd(x, p, s9); t9 = TLane.MultiplyAdd(x, q, t9); }
                if (TRows.Count > 10) { x = TLane.Broadcast(a + 10); s10 = TLane.MultiplyAdd(x, p, s10); t10 = TLane.MultiplyAdd(x, q, t10); }
                if (TRows.Count > 11) { x = TLane.Broadcast(a + 11); s11 = TLane.MultiplyAdd(x, p, s11); t11 = TLane.MultiplyAdd(x, q, t11); }
                a += TRows.Count;
            }
            else
            {
                TV x;
                if (TRows.Count > 0) { x = TLane.Broadcast(a + 0); s0 = TLane.MultiplyAdd(x, u, s0); t0 = TLane.MultiplyAdd(x, v, t0); }
                if (TRows.Count > 1) { x = TLane.Broadcast(a + 1); s1 = TLane.MultiplyAdd(x, u, s1); t1 = TLane.MultiplyAdd(x, v, t1); }
                if (TRows.Count > 2) { x = TLane.Broadcast(a + 2); s2 = TLane.MultiplyAdd(x, u, s2); t2 = TLane.MultiplyAdd(x, v, t2); }
                if (TRows.Count > 3) { x = TLane.Broadcast(a + 3); s3 = TLane.MultiplyAdd(x, u, s3); t3 = TLane.MultiplyAdd(x, v, t3); }
                if (TRows.Count > 4) { x = TLane.Broadcast(a + 4); s4 = TLane.MultiplyAdd(x, u, s4); t4 = TLane.MultiplyAdd(x, v, t4); }
                if (TRows.Count > 5) { x = TLane.Broadcast(a + 5); s5 = TLane.MultiplyAdd(x, u, s5); t5 = TLane.MultiplyAdd(x, v, t5); }
                if (TRows.Count > 6) { x = TLane.Broadcast(a + 6); s6 = TLane.MultiplyAdd(x, u, s6); t6 = TLane.MultiplyAdd(x, v, t6); }
                if (TRows.Count > 7) { x = TLane.Broadcast(a + 7); s7 = TLane.MultiplyAdd(x, u, s7); t7 = TLane.MultiplyAdd(x, v, t7); }
                if (TRows.Count > 8) { x = TLane.Broadcast(a + 8); s8 = TLane.MultiplyAdd(x, u, s8); t8 = TLane.MultiplyAdd(x, v, t8); }
                if (TRows.Count > 9) { x = TLane.Broadcast(a + 9); s9 = TLane.MultiplyAdd(x, u, s9); t9 = TLane.MultiplyAdd(x, v, t9); }
                if (TRows.Count > 10) { x = TLane.Broadcast(a + 10); s10 = TLane.MultiplyAdd(x, u, s10); t10 = TLane.MultiplyAdd(x, v, t10); }
                if (TRows.Count > 11) { x = TLane.Broadcast(a + 11); s11 = TLane.MultiplyAdd(x, u, s11); t11 = TLane.MultiplyAdd(x, v, t11); }
                a += TRows.Count;
            }
        }

        if (TRows.Count > 0) { TLane.Store(c + 0 * cStride, s0); TLane.Store(c + 0 * cStride + TLane.Count, t0); }
        if (TRows.Count > 1) { TLane.Store(c + 1 * cStride, s1); TLane.Store(c + 1 * cStride + TLane.Count, t1); }
        if (TRows.Count > 2) { TLane.Store(c + 2 * cStride, s2); TLane.Store(c + 2 * cStride + TLane.Count, t2); }
        if (TRows.Count > 3) { TLane.Store(c + 3 * cStride, s3); TLane.Store(c + 3 * cStride + TLane.Count, t3); }
        if (TRows.Count > 4) { TLane.Store(c + 4 * cStride, s4); TLane.Store(c + 4 * cStride + TLane.Count, t4); }
        if (TRows.Count > 5) { TLane.Store(c + 5 * cStride, s5); TLane.Store(c + 5 * cStride + TLane.Count, t5); }
        if (TRows.Count > 6) { TLane.Store(c + 6 * cStride, s6); TLane.Store(c + 6 * cStride + TLane.Count, t6); }
        if (TRows.Count > 7) { TLane.Store(c + 7 * cStride, s7); TLane.Store(c + 7 * cStride + TLane.Count, t7); }
        if (TRows.Count > 8) { TLane.Store(c + 8 * cStride, s8); TLane.Store(c + 8 * cStride + TLane.Count, t8); }
        if (TRows.Count > 9) { TLane.Store(c + 9 * cStride, s9); TLane.Store(c + 9 * cStride + TLane.Count, t9); }
        if (TRows.Count > 10) { TLane.Store(c + 10 * cStride, s10); TLane.Store(c + 10 * cStride + TLane.Count, t10); }
        if (TRows.Count > 11) { TLane.Store(c + 11 * cStride, s11); TLane.Store(c + 11 * cStride + TLane.Count, t11); }
    }
}
