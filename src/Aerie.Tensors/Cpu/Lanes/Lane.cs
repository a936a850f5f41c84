// What is the same for every width: the ends of rows, exp and tanh.
using System.Runtime.CompilerServices;

namespace Aerie.Tensors.Cpu.Lanes;

static unsafe class Lane
{
    /// <summary>The first <paramref name="n"/> of <paramref name="p"/> (n below the width); the other lanes are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPart<V>(float* p, int n) where V : unmanaged, ILanes<V>
    {
        V v = default;
        for (var i = 0; i < n; i++) ((float*)&v)[i] = p[i];
        return v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<V>(V v, float* p, int n) where V : unmanaged, ILanes<V>
    {
        for (var i = 0; i < n; i++) p[i] = ((float*)&v)[i];
    }

    /// <summary>e^x within about 1 ulp: x = n ln 2 + r, |r| &lt;= ln 2 / 2, a polynomial for e^r, and 2^n in two factors, so that tiny results
    /// become denormals and then 0. Infinity above 88.72; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Exp<V>(V x) where V : unmanaged, ILanes<V>
    {
        // The number is the second operand: machines give that one when it is NaN.
        x = V.Min(V.All(89f), V.Max(V.All(-105f), x));
        var magic = V.All(12582912f);                       // 1.5·2^23: adding it rounds to an integer in the low bits
        var shifted = V.MulAdd(x, V.All(1.44269504f), magic);
        var n = shifted - magic;
        var r = V.MulAdd(n, V.All(-0.693145752f), x);       // ln 2 in two parts; the first has 15 bits, so that n times it is exact
        r = V.MulAdd(n, V.All(-1.42860677e-6f), r);
        var p = V.All(1.98412698e-4f);
        p = V.MulAdd(p, r, V.All(1.38888889e-3f));
        p = V.MulAdd(p, r, V.All(8.33333333e-3f));
        p = V.MulAdd(p, r, V.All(4.16666667e-2f));
        p = V.MulAdd(p, r, V.All(0.166666667f));
        p = V.MulAdd(p, r, V.All(0.5f));
        p = V.MulAdd(p * r, r, r) + V.All(1f);
        var half = V.MulAdd(n, V.All(0.5f), magic);         // n in two integers that add up
        return p * V.PowerOfTwo(half) * V.PowerOfTwo(magic + (n - (half - magic)));
    }

    /// <summary>tanh(x) within 3 ulp: 1 − 2 / (e^2|x| + 1), and near 0, where that cancels, x + x³ P(x²), P interpolated at Chebyshev's points of
    /// [0, 0.625²] (relative error 1.7e-8). NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<V>(V x) where V : unmanaged, ILanes<V>
    {
        var size = V.Max(V.All(0) - x, x);
        var far = V.All(1) - V.All(2) / (Exp(size + size) + V.All(1));
        far = V.IfAtMost(V.All(0), x, far, V.All(0) - far);
        var u = x * x;
        var p = V.MulAdd(V.All(-0.00609671418f), u, V.All(0.0209971797f));
        p = V.MulAdd(p, u, V.All(-0.0538509078f));
        p = V.MulAdd(p, u, V.All(0.133327693f));
        p = V.MulAdd(p, u, V.All(-0.333333284f));
        return V.IfAtMost(size, V.All(0.625f), V.MulAdd(p * u, x, x), far);
    }

    /// <summary>Sum of n floats: four partial sums of lanes, then their lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum4<V>(V a, V b, V c, V d) where V : unmanaged, ILanes<V> => V.Sum((a + b) + (c + d));
}
