// Sixteen floats: AVX-512, or software anywhere else (slow; for tests).
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aerie.Tensors.Cpu.Lanes;

/// <summary>16 floats.</summary>
readonly unsafe struct F32x16(Vector512<float> v) : ILanes<F32x16>
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    readonly Vector512<float> v = v;

    public static int Width => 16;

    [MethodImpl(Inline)] public static F32x16 Load(float* p) => new(Vector512.Load(p));
    [MethodImpl(Inline)] public static F32x16 All(float x) => new(Vector512.Create(x));
    [MethodImpl(Inline)] public void Store(float* p) => v.Store(p);

    [MethodImpl(Inline)]
    public static F32x16 LoadBF16(ushort* p)
        => new((Vector512.WidenLower(Vector256.Load(p).ToVector512Unsafe()) << 16).AsSingle());

    [MethodImpl(Inline)]
    public void StoreBF16(ushort* p)
    {
        var bits = v.AsUInt32();
        var rounded = bits + Vector512.Create(0x7fffu) + ((bits >>> 16) & Vector512<uint>.One);
        rounded = Vector512.ConditionalSelect(Vector512.Equals(v, v).AsUInt32(), rounded, bits | Vector512.Create(0x400000u)) >>> 16;
        Vector512.Narrow(rounded, rounded).GetLower().Store(p);
    }

    [MethodImpl(Inline)] public static F32x16 operator +(F32x16 a, F32x16 b) => new(a.v + b.v);
    [MethodImpl(Inline)] public static F32x16 operator -(F32x16 a, F32x16 b) => new(a.v - b.v);
    [MethodImpl(Inline)] public static F32x16 operator *(F32x16 a, F32x16 b) => new(a.v * b.v);
    [MethodImpl(Inline)] public static F32x16 operator /(F32x16 a, F32x16 b) => new(a.v / b.v);
    [MethodImpl(Inline)] public static F32x16 MulAdd(F32x16 a, F32x16 b, F32x16 c) => new(Vector512.MultiplyAddEstimate(a.v, b.v, c.v));
    [MethodImpl(Inline)] public static F32x16 Sqrt(F32x16 x) => new(Vector512.Sqrt(x.v));
    [MethodImpl(Inline)] public static F32x16 Max(F32x16 a, F32x16 b) => new(Vector512.MaxNative(a.v, b.v));
    [MethodImpl(Inline)] public static F32x16 Min(F32x16 a, F32x16 b) => new(Vector512.MinNative(a.v, b.v));

    [MethodImpl(Inline)]
    public static F32x16 IfAtMost(F32x16 a, F32x16 b, F32x16 x, F32x16 y)
        => new(Vector512.ConditionalSelect(Vector512.LessThanOrEqual(a.v, b.v), x.v, y.v));

    [MethodImpl(Inline)] public static F32x16 PowerOfTwo(F32x16 shifted) => new(((shifted.v.AsInt32() + Vector512.Create(127)) << 23).AsSingle());
    [MethodImpl(Inline)] public static float Sum(F32x16 x) => F32x8.Sum(new(x.v.GetLower() + x.v.GetUpper()));
    [MethodImpl(Inline)] public static float MaxOf(F32x16 x) => F32x8.MaxOf(new(Vector256.MaxNative(x.v.GetLower(), x.v.GetUpper())));
}
