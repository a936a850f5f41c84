// Products of the small matrices inside attention: C [m, n] = A B (+ C), n a multiple of the lanes. Every element of C is one chain of
// multiply-adds in ascending order of k, so its bits do not depend on m, on n or on the tile it falls into.
// A is read element by element at any two strides (so A^T B is the same code); B and C by rows.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu.Attention;

static unsafe class AttentionTiles
{
    public static void Multiply<V>(float* a, nint aRow, nint aCol, float* b, nint bRow, float* c, nint cRow, int m, int n, int k, bool accumulate)
        where V : unmanaged, ILanes<V>
    {
        var w = V.Width;
        var j = 0;
        if (w == 16) // 32 registers: 16 sums
            for (; j + 4 * w <= n; j += 4 * w)
            {
                var i = 0;
                for (; i + 4 <= m; i += 4) Tile4x4<V>(a + i * aRow, aRow, aCol, b + j, bRow, c + i * cRow + j, cRow, k, accumulate);
                for (; i < m; i++) Tile1x4<V>(a + i * aRow, aCol, b + j, bRow, c + i * cRow + j, k, accumulate);
            }
        for (; j + 2 * w <= n; j += 2 * w)
        {
            var i = 0;
            for (; i + 4 <= m; i += 4) Tile4x2<V>(a + i * aRow, aRow, aCol, b + j, bRow, c + i * cRow + j, cRow, k, accumulate);
            for (; i < m; i++) Tile1x2<V>(a + i * aRow, aCol, b + j, bRow, c + i * cRow + j, k, accumulate);
        }
        for (; j < n; j += w)
        {
            var i = 0;
            for (; i + 8 <= m; i += 8) Tile8x1<V>(a + i * aRow, aRow, aCol, b + j, bRow, c + i * cRow + j, cRow, k, accumulate);
            for (; i < m; i++) Tile1x1<V>(a + i * aRow, aCol, b + j, bRow, c + i * cRow + j, k, accumulate);
        }
    }

    static void Tile4x4<V>(float* a0, nint aRow, nint aCol, float* b, nint bRow, float* c, nint cRow, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        var w = V.Width;
        float* a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        V s00 = default, s01 = default, s02 = default, s03 = default, s10 = default, s11 = default, s12 = default, s13 = default;
        V s20 = default, s21 = default, s22 = default, s23 = default, s30 = default, s31 = default, s32 = default, s33 = default;
        if (accumulate)
        {
            float* c1 = c + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
            (s00, s01, s02, s03) = (V.Load(c), V.Load(c + w), V.Load(c + 2 * w), V.Load(c + 3 * w));
            (s10, s11, s12, s13) = (V.Load(c1), V.Load(c1 + w), V.Load(c1 + 2 * w), V.Load(c1 + 3 * w));
            (s20, s21, s22, s23) = (V.Load(c2), V.Load(c2 + w), V.Load(c2 + 2 * w), V.Load(c2 + 3 * w));
            (s30, s31, s32, s33) = (V.Load(c3), V.Load(c3 + w), V.Load(c3 + 2 * w), V.Load(c3 + 3 * w));
        }
        for (; k > 0; k--)
        {
            V b0 = V.Load(b), b1 = V.Load(b + w), b2 = V.Load(b + 2 * w), b3 = V.Load(b + 3 * w);
            var x = V.All(*a0);
            s00 = V.MulAdd(x, b0, s00); s01 = V.MulAdd(x, b1, s01); s02 = V.MulAdd(x, b2, s02); s03 = V.MulAdd(x, b3, s03);
            x = V.All(*a1);
            s10 = V.MulAdd(x, b0, s10); s11 = V.MulAdd(x, b1, s11); s12 = V.MulAdd(x, b2, s12); s13 = V.MulAdd(x, b3, s13);
            x = V.All(*a2);
            s20 = V.MulAdd(x, b0, s20); s21 = V.MulAdd(x, b1, s21); s22 = V.MulAdd(x, b2, s22); s23 = V.MulAdd(x, b3, s23);
            x = V.All(*a3);
            s30 = V.MulAdd(x, b0, s30); s31 = V.MulAdd(x, b1, s31); s32 = V.MulAdd(x, b2, s32); s33 = V.MulAdd(x, b3, s33);
            a0 += aCol; a1 += aCol; a2 += aCol; a3 += aCol;
            b += bRow;
        }
        s00.Store(c); s01.Store(c + w); s02.Store(c + 2 * w); s03.Store(c + 3 * w);
        c += cRow;
        s10.Store(c); s11.Store(c + w); s12.Store(c + 2 * w); s13.Store(c + 3 * w);
        c += cRow;
        s20.Store(c); s21.Store(c + w); s22.Store(c + 2 * w); s23.Store(c + 3 * w);
        c += cRow;
        s30.Store(c); s31.Store(c + w); s32.Store(c + 2 * w); s33.Store(c + 3 * w);
    }

    static void Tile4x2<V>(float* a0, nint aRow, nint aCol, float* b, nint bRow, float* c, nint cRow, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        var w = V.Width;
        float* a1 = a0 + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        float* c1 = c + cRow, c2 = c1 + cRow, c3 = c2 + cRow;
        V s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        if (accumulate)
        {
            (s00, s01, s10, s11) = (V.Load(c), V.Load(c + w), V.Load(c1), V.Load(c1 + w));
            (s20, s21, s30, s31) = (V.Load(c2), V.Load(c2 + w), V.Load(c3), V.Load(c3 + w));
        }
        for (; k > 0; k--)
        {
            V b0 = V.Load(b), b1 = V.Load(b + w);
            var x = V.All(*a0);
            s00 = V.MulAdd(x, b0, s00); s01 = V.MulAdd(x, b1, s01);
            x = V.All(*a1);
            s10 = V.MulAdd(x, b0, s10); s11 = V.MulAdd(x, b1, s11);
            x = V.All(*a2);
            s20 = V.MulAdd(x, b0, s20); s21 = V.MulAdd(x, b1, s21);
            x = V.All(*a3);
            s30 = V.MulAdd(x, b0, s30); s31 = V.MulAdd(x, b1, s31);
            a0 += aCol; a1 += aCol; a2 += aCol; a3 += aCol;
            b += bRow;
        }
        s00.Store(c); s01.Store(c + w);
        s10.Store(c1); s11.Store(c1 + w);
        s20.Store(c2); s21.Store(c2 + w);
        s30.Store(c3); s31.Store(c3 + w);
    }

    static void Tile8x1<V>(float* a0, nint aRow, nint aCol, float* b, nint bRow, float* c, nint cRow, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        float* a4 = a0 + 4 * aRow, c4 = c + 4 * cRow;
        V s0 = default, s1 = default, s2 = default, s3 = default, s4 = default, s5 = default, s6 = default, s7 = default;
        if (accumulate)
        {
            (s0, s1, s2, s3) = (V.Load(c), V.Load(c + cRow), V.Load(c + 2 * cRow), V.Load(c + 3 * cRow));
            (s4, s5, s6, s7) = (V.Load(c4), V.Load(c4 + cRow), V.Load(c4 + 2 * cRow), V.Load(c4 + 3 * cRow));
        }
        for (; k > 0; k--, a0 += aCol, a4 += aCol, b += bRow)
        {
            var x = V.Load(b);
            s0 = V.MulAdd(V.All(*a0), x, s0); s1 = V.MulAdd(V.All(a0[aRow]), x, s1);
            s2 = V.MulAdd(V.All(a0[2 * aRow]), x, s2); s3 = V.MulAdd(V.All(a0[3 * aRow]), x, s3);
            s4 = V.MulAdd(V.All(*a4), x, s4); s5 = V.MulAdd(V.All(a4[aRow]), x, s5);
            s6 = V.MulAdd(V.All(a4[2 * aRow]), x, s6); s7 = V.MulAdd(V.All(a4[3 * aRow]), x, s7);
        }
        s0.Store(c); s1.Store(c + cRow); s2.Store(c + 2 * cRow); s3.Store(c + 3 * cRow);
        s4.Store(c4); s5.Store(c4 + cRow); s6.Store(c4 + 2 * cRow); s7.Store(c4 + 3 * cRow);
    }

    static void Tile1x4<V>(float* a, nint aCol, float* b, nint bRow, float* c, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        var w = V.Width;
        V s0 = default, s1 = default, s2 = default, s3 = default;
        if (accumulate) (s0, s1, s2, s3) = (V.Load(c), V.Load(c + w), V.Load(c + 2 * w), V.Load(c + 3 * w));
        for (; k > 0; k--, a += aCol, b += bRow)
        {
            var x = V.All(*a);
            s0 = V.MulAdd(x, V.Load(b), s0); s1 = V.MulAdd(x, V.Load(b + w), s1);
            s2 = V.MulAdd(x, V.Load(b + 2 * w), s2); s3 = V.MulAdd(x, V.Load(b + 3 * w), s3);
        }
        s0.Store(c); s1.Store(c + w); s2.Store(c + 2 * w); s3.Store(c + 3 * w);
    }

    static void Tile1x2<V>(float* a, nint aCol, float* b, nint bRow, float* c, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        var w = V.Width;
        V s0 = default, s1 = default;
        if (accumulate) (s0, s1) = (V.Load(c), V.Load(c + w));
        for (; k > 0; k--, a += aCol, b += bRow)
        {
            var x = V.All(*a);
            s0 = V.MulAdd(x, V.Load(b), s0); s1 = V.MulAdd(x, V.Load(b + w), s1);
        }
        s0.Store(c); s1.Store(c + w);
    }

    static void Tile1x1<V>(float* a, nint aCol, float* b, nint bRow, float* c, int k, bool accumulate) where V : unmanaged, ILanes<V>
    {
        var s = accumulate ? V.Load(c) : default;
        for (; k > 0; k--, a += aCol, b += bRow) s = V.MulAdd(V.All(*a), V.Load(b), s);
        s.Store(c);
    }
}
