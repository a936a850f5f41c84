// Four floats: SSE2, NEON.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aerie.Tensors.Cpu.Lanes;

/// <summary>4 floats.</summary>
readonly unsafe struct F32x4(Vector128<float> v) : ILanes<F32x4>
{
    const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    readonly Vector128<float> v = v;

    public static int Width => 4;

    [MethodImpl(Inline)] public static F32x4 Load(float* p) => new(Vector128.Load(p));
    [MethodImpl(Inline)] public static F32x4 All(float x) => new(Vector128.Create(x));
    [MethodImpl(Inline)] public void Store(float* p) => v.Store(p);

    [MethodImpl(Inline)]
    public static F32x4 LoadBF16(ushort* p)
        => new((Vector128.WidenLower(Vector64.Load(p).ToVector128Unsafe()) << 16).AsSingle());

    [MethodImpl(Inline)]
    public void StoreBF16(ushort* p)
    {
        var bits = v.AsUInt32();
        var rounded = bits + Vector128.Create(0x7fffu) + ((bits >>> 16) & Vector128<uint>.One);
        rounded = Vector128.ConditionalSelect(Vector128.Equals(v, v).AsUInt32(), rounded, bits | Vector128.Create(0x400000u)) >>> 16;
        Vector128.Narrow(rounded, rounded).GetLower().Store(p);
    }

    [MethodImpl(Inline)] public static F32x4 operator +(F32x4 a, F32x4 b) => new(a.v + b.v);
    [MethodImpl(Inline)] public static F32x4 operator -(F32x4 a, F32x4 b) => new(a.v - b.v);
    [MethodImpl(Inline)] public static F32x4 operator *(F32x4 a, F32x4 b) => new(a.v * b.v);
    [MethodImpl(Inline)] public static F32x4 operator /(F32x4 a, F32x4 b) => new(a.v / b.v);
    [MethodImpl(Inline)] public static F32x4 MulAdd(F32x4 a, F32x4 b, F32x4 c) => new(Vector128.MultiplyAddEstimate(a.v, b.v, c.v));
    [MethodImpl(Inline)] public static F32x4 Sqrt(F32x4 x) => new(Vector128.Sqrt(x.v));
    [MethodImpl(Inline)] public static F32x4 Max(F32x4 a, F32x4 b) => new(Vector128.MaxNative(a.v, b.v));
    [MethodImpl(Inline)] public static F32x4 Min(F32x4 a, F32x4 b) => new(Vector128.MinNative(a.v, b.v));

    [MethodImpl(Inline)]
    public static F32x4 IfAtMost(F32x4 a, F32x4 b, F32x4 x, F32x4 y)
        => new(Vector128.ConditionalSelect(Vector128.LessThanOrEqual(a.v, b.v), x.v, y.v));

    [MethodImpl(Inline)] public static F32x4 PowerOfTwo(F32x4 shifted) => new(((shifted.v.AsInt32() + Vector128.Create(127)) << 23).AsSingle());
    [MethodImpl(Inline)] public static float Sum(F32x4 x) => (x.v[0] + x.v[2]) + (x.v[1] + x.v[3]);
    [MethodImpl(Inline)] public static float MaxOf(F32x4 x) => MathF.Max(MathF.Max(x.v[0], x.v[2]), MathF.Max(x.v[1], x.v[3]));
}
