// Eight floats: AVX2.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aerie.Tensors.Cpu.Lanes;

/// <summary>8 floats.</summary>
readonly unsafe struct F32x8(Vector256<float> v) : ILanes<F32x8>
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    readonly Vector256<float> v = v;

    public static int Width => 8;

    [MethodImpl(Inline)] public static F32x8 Load(float* p) => new(Vector256.Load(p));
    [MethodImpl(Inline)] public static F32x8 All(float x) => new(Vector256.Create(x));
    [MethodImpl(Inline)] public void Store(float* p) => v.Store(p);

    [MethodImpl(Inline)]
    public static F32x8 LoadBF16(ushort* p)
        => new((Vector256.WidenLower(Vector128.Load(p).ToVector256Unsafe()) << 16).AsSingle());

    [MethodImpl(Inline)]
    public void StoreBF16(ushort* p)
    {
        var bits = v.AsUInt32();
        var rounded = bits + Vector256.Create(0x7fffu) + ((bits >>> 16) & Vector256<uint>.One);
        rounded = Vector256.ConditionalSelect(Vector256.Equals(v, v).AsUInt32(), rounded, bits | Vector256.Create(0x400000u)) >>> 16;
        Vector256.Narrow(rounded, rounded).GetLower().Store(p);
    }

    [MethodImpl(Inline)] public static F32x8 operator +(F32x8 a, F32x8 b) => new(a.v + b.v);
    [MethodImpl(Inline)] public static F32x8 operator -(F32x8 a, F32x8 b) => new(a.v - b.v);
    [MethodImpl(Inline)] public static F32x8 operator *(F32x8 a, F32x8 b) => new(a.v * b.v);
    [MethodImpl(Inline)] public static F32x8 operator /(F32x8 a, F32x8 b) => new(a.v / b.v);
    [MethodImpl(Inline)] public static F32x8 MulAdd(F32x8 a, F32x8 b, F32x8 c) => new(Vector256.MultiplyAddEstimate(a.v, b.v, c.v));
    [MethodImpl(Inline)] public static F32x8 Sqrt(F32x8 x) => new(Vector256.Sqrt(x.v));
    [MethodImpl(Inline)] public static F32x8 Max(F32x8 a, F32x8 b) => new(Vector256.MaxNative(a.v, b.v));
    [MethodImpl(Inline)] public static F32x8 Min(F32x8 a, F32x8 b) => new(Vector256.MinNative(a.v, b.v));

    [MethodImpl(Inline)]
    public static F32x8 IfAtMost(F32x8 a, F32x8 b, F32x8 x, F32x8 y)
        => new(Vector256.ConditionalSelect(Vector256.LessThanOrEqual(a.v, b.v), x.v, y.v));

    [MethodImpl(Inline)] public static F32x8 PowerOfTwo(F32x8 shifted) => new(((shifted.v.AsInt32() + Vector256.Create(127)) << 23).AsSingle());
    [MethodImpl(Inline)] public static float Sum(F32x8 x) => F32x4.Sum(new(x.v.GetLower() + x.v.GetUpper()));
    [MethodImpl(Inline)] public static float MaxOf(F32x8 x) => F32x4.MaxOf(new(Vector128.MaxNative(x.v.GetLower(), x.v.GetUpper())));
}
