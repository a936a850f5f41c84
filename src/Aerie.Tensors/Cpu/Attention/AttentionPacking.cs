// Blocks of rows brought into the order in which the tiles read them: keys transposed, values and queries dense.
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu.Attention;

static unsafe class AttentionPacking
{
    const int Keys = AttentionBlock.Keys;

    /// <summary>Rows [from, to) of a [.., d] at stride <paramref name="aRow"/> as columns of t [d, 64]; the other columns become 0.
    /// The rows <paramref name="ahead"/> floats further on are asked for: a head's rows lie apart, which the processor does not guess.</summary>
    public static void Transpose(float* a, nint aRow, int from, int to, int d, float* t, nint ahead = 0)
    {
        if (from > 0 || to < Keys) new Span<float>(t, d * Keys).Clear();
        var j = from;
        if (Vector512.IsHardwareAccelerated && Avx512F.IsSupported && d >= 16)
            for (; j + 16 <= to; j += 16)
            {
                if (ahead != 0) Prefetch(a + ahead, aRow, j, j + 16, d);
                var i = 0;
                for (; i + 16 <= d; i += 16) Transpose16(a + j * aRow + i, aRow, t + i * Keys + j);
                for (; i < d; i++)
                    for (var n = 0; n < 16; n++) t[i * Keys + j + n] = a[(j + n) * aRow + i];
            }
        if (Sse.IsSupported)
            for (; j + 4 <= to; j += 4)
            {
                if (ahead != 0) Prefetch(a + ahead, aRow, j, j + 4, d);
                float* r0 = a + j * aRow, r1 = r0 + aRow, r2 = r1 + aRow, r3 = r2 + aRow;
                var i = 0;
                for (; i + 4 <= d; i += 4) Transpose4(r0 + i, r1 + i, r2 + i, r3 + i, t + i * Keys + j);
                for (; i < d; i++) (t[i * Keys + j], t[i * Keys + j + 1], t[i * Keys + j + 2], t[i * Keys + j + 3]) = (r0[i], r1[i], r2[i], r3[i]);
            }
        for (; j < to; j++)
            for (var i = 0; i < d; i++) t[i * Keys + j] = a[j * aRow + i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Transpose4(float* r0, float* r1, float* r2, float* r3, float* t)
    {
        var (a, b, c, d) = (Vector128.Load(r0), Vector128.Load(r1), Vector128.Load(r2), Vector128.Load(r3));
        var (ab, cd) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d));
        Sse.MoveLowToHigh(ab, cd).Store(t);
        Sse.MoveHighToLow(cd, ab).Store(t + Keys);
        (ab, cd) = (Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
        Sse.MoveLowToHigh(ab, cd).Store(t + 2 * Keys);
        Sse.MoveHighToLow(cd, ab).Store(t + 3 * Keys);
    }

    /// <summary>16 rows of 16: four columns at a time out of each quarter of the rows, then the quarters are put side by side.</summary>
    static void Transpose16(float* a, nint row, float* t)
    {
        // Quarters q0..q3 of a vector: columns 4q..4q+3. After Four, vector x of rows 4g..4g+3 holds column 4q + x of those rows in quarter q.
        Four(a, row, out var a0, out var a1, out var a2, out var a3);
        Four(a + 4 * row, row, out var b0, out var b1, out var b2, out var b3);
        Four(a + 8 * row, row, out var c0, out var c1, out var c2, out var c3);
        Four(a + 12 * row, row, out var d0, out var d1, out var d2, out var d3);
        Side(a0, b0, c0, d0, t);
        Side(a1, b1, c1, d1, t + Keys);
        Side(a2, b2, c2, d2, t + 2 * Keys);
        Side(a3, b3, c3, d3, t + 3 * Keys);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Four(float* a, nint row, out Vector512<float> c0, out Vector512<float> c1, out Vector512<float> c2, out Vector512<float> c3)
    {
        Vector512<float> r0 = Vector512.Load(a), r1 = Vector512.Load(a + row), r2 = Vector512.Load(a + 2 * row), r3 = Vector512.Load(a + 3 * row);
        Vector512<double> low01 = Avx512F.UnpackLow(r0, r1).AsDouble(), low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
        Vector512<double> high01 = Avx512F.UnpackHigh(r0, r1).AsDouble(), high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        c0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        c1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        c2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        c3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Side(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* t)
    {
        Vector512<float> ab = Avx512F.Shuffle4x128(a, b, 0x88), cd = Avx512F.Shuffle4x128(c, d, 0x88); // quarters 0, 2 of each
        Avx512F.Shuffle4x128(ab, cd, 0x88).Store(t);
        Avx512F.Shuffle4x128(ab, cd, 0xdd).Store(t + 8 * Keys);
        (ab, cd) = (Avx512F.Shuffle4x128(a, b, 0xdd), Avx512F.Shuffle4x128(c, d, 0xdd)); // quarters 1, 3
        Avx512F.Shuffle4x128(ab, cd, 0x88).Store(t + 4 * Keys);
        Avx512F.Shuffle4x128(ab, cd, 0xdd).Store(t + 12 * Keys);
    }

    static void Prefetch(float* a, nint aRow, int from, int to, int d)
    {
        if (!Sse.IsSupported) return;
        for (var j = from; j < to; j++)
            for (var i = 0; i < d; i += 16) Sse.Prefetch0(a + j * aRow + i);
    }

    /// <summary>Rows [from, to) of a [.., d] as dense rows of <paramref name="width"/> floats, zeros after d, times <paramref name="scale"/>.</summary>
    public static void Pack<V>(float* a, nint aRow, int from, int to, int d, float* packed, int width, float scale = 1, nint ahead = 0) where V : unmanaged, ILanes<V>
    {
        var s = V.All(scale);
        for (var j = from; j < to; j++)
        {
            if (ahead != 0) Prefetch(a + ahead, aRow, j, j + 1, d);
            float* source = a + j * aRow, target = packed + (nint)j * width;
            var i = 0;
            for (; i + V.Width <= d; i += V.Width) (V.Load(source + i) * s).Store(target + i);
            if (i < d) (Lane.LoadPart<V>(source + i, d - i) * s).Store(target + i);
        }
    }
}
