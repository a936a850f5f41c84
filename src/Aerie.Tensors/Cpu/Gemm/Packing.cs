// Brings operands into the layouts of the kernels: rounds, pairs and, where source and destination run across each other, transposes 4 x 4 words.
// Both operands are seen as [v, k], v being the dimension that survives the product (rows of A, columns of B).
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Aerie.Tensors.Cpu;

static unsafe class Packing
{
    /// <summary>Lines of a source that are packed together where they run across the destination's panels or tiles: their pages and cache lines then
    /// serve one panel after the other.</summary>
    public const int LinesAtOnce = 16;

    /// <summary>Elements of k in a step.</summary>
    public static int PerStep(PackFormat format) => format == PackFormat.PairBF16 ? 2 : 1;

    /// <summary>Steps for k elements, before filling up.</summary>
    public static int Steps(PackFormat format, int k) => (k + PerStep(format) - 1) / PerStep(format);

    /// <summary>Packs lines <paramref name="v0"/>.. of <paramref name="source"/> [v, k], steps <paramref name="s0"/>.., into words at
    /// <c>destination[(v - v0) * vStride + (s - s0) * sStride]</c>; one of the strides is 1. What lies outside of the source becomes zero.
    /// <paramref name="spill"/>: a few words behind the last may be written.</summary>
    public static void Fill(MatrixView source, PackFormat format, int v0, int vCount, int s0, int sCount, uint* destination, long vStride, long sStride, bool spill = false)
    {
        switch (format, source.IsBF16, source.Transposed)
        {
            case (PackFormat.PairBF16, false, false): Fill<PairsAlong>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            case (PackFormat.PairBF16, false, true): Fill<PairsAcross>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            case (PackFormat.PairBF16, true, false): Fill<PairsAlongBF16>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            case (PackFormat.PairBF16, true, true): Fill<PairsAcrossBF16>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            case (_, true, _): Fill<Widened>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            case (PackFormat.Float, _, _): Fill<AsIs>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
            default: Fill<Rounded>(source, format, v0, vCount, s0, sCount, destination, vStride, sStride, spill); break;
        }
    }

    static void Fill<TLoad>(MatrixView source, PackFormat format, int v0, int vCount, int s0, int sCount, uint* destination, long vStride, long sStride, bool spill)
        where TLoad : struct, ILoad
    {
        int perStep = PerStep(format), size = source.IsBF16 ? 2 : 4;
        int vFull = Math.Clamp(source.Rows - v0, 0, vCount), sFull = Math.Clamp(source.Cols / perStep - s0, 0, sCount);
        bool turned = source.Transposed != (vStride == 1);
        // Blocks of four, the last one overlapping the one before. Fewer than four: plain loops, but for two or three rows (see Transpose).
        if (sFull < 4 || (vFull < 4 && (source.Transposed || (turned && !spill))))
            vFull = sFull = 0;
        long line = source.Stride * size;
        byte* origin = (byte*)source.Data;
        if (source.Transposed)
        {
            for (int s = 0; s < sFull; s = turned ? Next(s, sFull) : s + 1)
            {
                byte* p = origin + (long)(s0 + s) * perStep * line + (long)v0 * size;
                for (int v = 0; v < vFull; v = Next(v, vFull))
                {
                    if (turned)
                        Transpose<TLoad>(p + v * size, line * perStep, 3, line, destination + v * vStride + s, vStride);
                    else
                        TLoad.Words(p + v * size, line).Store(destination + v + s * sStride);
                }
            }
        }
        else
        {
            for (int v = 0; v < vFull; v = turned ? Next(v, vFull) : v + 1)
            {
                byte* p = origin + (v0 + v) * line + (long)s0 * perStep * size;
                int last = Math.Min(vFull - 1, 3);
                for (int s = 0; s < sFull; s = Next(s, sFull))
                {
                    if (turned)
                        Transpose<TLoad>(p + s * perStep * size, line, last, line, destination + v + s * sStride, sStride);
                    else
                        TLoad.Words(p + s * perStep * size, line).Store(destination + v * vStride + s);
                }
            }
        }

        for (int v = 0; v < vCount; v++)
        {
            for (int s = v < vFull ? sFull : 0; s < sCount; s++)
                destination[v * vStride + s * sStride] = Word(source, format, v0 + v, s0 + s);
        }
    }

    static int Next(int at, int full) => at + 4 >= full ? full : Math.Min(at + 4, full - 4);

    /// <summary>Four words from each of four lines, turned. With fewer lines (<paramref name="last"/> below 3) what is written too much is written
    /// over by the next step's words, and behind the last step lies slack.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose<TLoad>(byte* p, long lines, int last, long pair, uint* destination, long stride) where TLoad : struct, ILoad
    {
        Vector128<uint> a = TLoad.Words(p, pair), b = TLoad.Words(p + Math.Min(1, last) * lines, pair);
        Vector128<uint> c = TLoad.Words(p + Math.Min(2, last) * lines, pair), d = TLoad.Words(p + last * lines, pair);
        Vector128<uint> ac0 = Low(a, c), ac1 = High(a, c), bd0 = Low(b, d), bd1 = High(b, d);
        Low(ac0, bd0).Store(destination);
        High(ac0, bd0).Store(destination + stride);
        Low(ac1, bd1).Store(destination + 2 * stride);
        High(ac1, bd1).Store(destination + 3 * stride);
    }

    static uint Word(MatrixView source, PackFormat format, int v, int s)
    {
        if (v >= source.Rows)
            return 0;
        if (format != PackFormat.PairBF16)
            return s >= source.Cols ? 0 : format == PackFormat.Float ? BitConverter.SingleToUInt32Bits(source[v, s]) : RoundToBF16(source[v, s]) << 16;
        uint low = 2 * s < source.Cols ? RoundToBF16(source[v, 2 * s]) : 0, high = 2 * s + 1 < source.Cols ? RoundToBF16(source[v, 2 * s + 1]) : 0;
        return low | high << 16;
    }

    /// <summary>The nearest bfloat16, ties to even; a NaN stays one.</summary>
    static uint RoundToBF16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        return float.IsNaN(x) ? bits >> 16 | 0x40 : bits + 0x7fff + (bits >> 16 & 1) >> 16;
    }

    /// <summary>The same for four; the result is in the high halves, the low halves are to be ignored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static Vector128<uint> RoundToBF16(byte* p)
    {
        var x = Vector128.Load((float*)p);
        var bits = x.AsUInt32();
        var rounded = bits + Vector128.Create(0x7fffu) + (bits >> 16 & Vector128.Create(1u));
        return Vector128.ConditionalSelect(Vector128.Equals(x, x).AsUInt32(), rounded, bits | Vector128.Create(0x400000u));
    }

    static Vector128<uint> Low(Vector128<uint> a, Vector128<uint> b) =>
        System.Runtime.Intrinsics.X86.Sse2.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse2.UnpackLow(a, b)
            : Vector128.Create(a[0], b[0], a[1], b[1]);

    static Vector128<uint> High(Vector128<uint> a, Vector128<uint> b) =>
        System.Runtime.Intrinsics.X86.Sse2.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse2.UnpackHigh(a, b)
            : Vector128.Create(a[2], b[2], a[3], b[3]);

    static Vector128<uint> HighHalves => Vector128.Create(0xffff0000u);

    /// <summary>Four words from memory at p; pairs across lines take their odd halves one line further.</summary>
    interface ILoad
    {
        static abstract Vector128<uint> Words(byte* p, long line);
    }

    readonly struct AsIs : ILoad
    {
        public static Vector128<uint> Words(byte* p, long line) => Vector128.Load((uint*)p);
    }

    readonly struct Widened : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Words(byte* p, long line) => Widen(p) << 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Widen(byte* p) => Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)p).AsUInt16());
    }

    readonly struct Rounded : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Words(byte* p, long line) => RoundToBF16(p) & HighHalves;
    }

    readonly struct PairsAlong : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Words(byte* p, long line) =>
            Vector128.Narrow(RoundToBF16(p) >> 16, RoundToBF16(p + 16) >> 16).AsUInt32();
    }

    readonly struct PairsAlongBF16 : ILoad
    {
        public static Vector128<uint> Words(byte* p, long line) => Vector128.Load((uint*)p);
    }

    readonly struct PairsAcross : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Words(byte* p, long line) => RoundToBF16(p) >> 16 | RoundToBF16(p + line) & HighHalves;
    }

    readonly struct PairsAcrossBF16 : ILoad
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<uint> Words(byte* p, long line) => Widened.Widen(p) | Widened.Widen(p + line) << 16;
    }
}
