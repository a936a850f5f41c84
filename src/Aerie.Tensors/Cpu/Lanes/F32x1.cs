// One float: the same kernels without SIMD.
using System.Runtime.CompilerServices;

namespace Aerie.Tensors.Cpu.Lanes;

/// <summary>One float.</summary>
readonly unsafe struct F32x1(float v) : ILanes<F32x1>
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    readonly float v = v;

    public static int Width => 1;

    [MethodImpl(Inline)] public static F32x1 Load(float* p) => new(*p);
    [MethodImpl(Inline)] public static F32x1 LoadBF16(ushort* p) => new(BFloat16.ToFloat(*p));
    [MethodImpl(Inline)] public static F32x1 All(float x) => new(x);
    [MethodImpl(Inline)] public void Store(float* p) => *p = v;
    [MethodImpl(Inline)] public void StoreBF16(ushort* p) => *p = BFloat16.FromFloat(v);
    [MethodImpl(Inline)] public static F32x1 operator +(F32x1 a, F32x1 b) => new(a.v + b.v);
    [MethodImpl(Inline)] public static F32x1 operator -(F32x1 a, F32x1 b) => new(a.v - b.v);
    [MethodImpl(Inline)] public static F32x1 operator *(F32x1 a, F32x1 b) => new(a.v * b.v);
    [MethodImpl(Inline)] public static F32x1 operator /(F32x1 a, F32x1 b) => new(a.v / b.v);
    [MethodImpl(Inline)] public static F32x1 MulAdd(F32x1 a, F32x1 b, F32x1 c) => new(float.MultiplyAddEstimate(a.v, b.v, c.v));
    [MethodImpl(Inline)] public static F32x1 Sqrt(F32x1 x) => new(MathF.Sqrt(x.v));
    [MethodImpl(Inline)] public static F32x1 Max(F32x1 a, F32x1 b) => a.v > b.v ? a : b;
    [MethodImpl(Inline)] public static F32x1 Min(F32x1 a, F32x1 b) => a.v < b.v ? a : b;
    [MethodImpl(Inline)] public static F32x1 IfAtMost(F32x1 a, F32x1 b, F32x1 x, F32x1 y) => a.v <= b.v ? x : y;

    [MethodImpl(Inline)]
    public static F32x1 PowerOfTwo(F32x1 shifted) => new(BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(shifted.v) + 127) << 23));

    [MethodImpl(Inline)] public static float Sum(F32x1 x) => x.v;
    [MethodImpl(Inline)] public static float MaxOf(F32x1 x) => x.v;
}
