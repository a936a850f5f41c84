// bfloat16 is the upper half of a float32; .NET has no such type. Rounding is to nearest, ties to even; NaN stays NaN.
using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors;

/// <summary>Conversions between float32 and the 16 bits of a bfloat16.</summary>
public static class BFloat16
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort FromFloat(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if ((bits & 0x7fffffff) > 0x7f800000) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ToFloat(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The nearest bfloat16, as a float.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float value) => ToFloat(FromFloat(value));

    public static unsafe void FromFloat(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        destination = destination[..source.Length];
        var i = 0;
        fixed (float* from = source)
        fixed (ushort* to = destination)
            for (; i + F32x8.Width <= source.Length; i += F32x8.Width) F32x8.Load(from + i).StoreBF16(to + i);
        for (; i < source.Length; i++) destination[i] = FromFloat(source[i]);
    }

    public static unsafe void ToFloat(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        destination = destination[..source.Length];
        var i = 0;
        fixed (ushort* from = source)
        fixed (float* to = destination)
            for (; i + F32x8.Width <= source.Length; i += F32x8.Width) F32x8.LoadBF16(from + i).Store(to + i);
        for (; i < source.Length; i++) destination[i] = ToFloat(source[i]);
    }
}
