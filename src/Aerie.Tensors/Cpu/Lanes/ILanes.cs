// Kernels are written once over lanes: a struct of 16, 8, 4 or 1 floats whose operations the compiler turns into single instructions.
// Every width computes an element by the same formula; only the shape of sums differs between widths.
namespace Aerie.Tensors.Cpu.Lanes;

/// <summary>A few floats that are worked on together.</summary>
unsafe interface ILanes<V> where V : unmanaged, ILanes<V>
{
    static abstract int Width { get; }

    static abstract V Load(float* p);
    static abstract V LoadBF16(ushort* p);
    static abstract V All(float x);
    void Store(float* p);

    /// <summary>Rounded to nearest even; NaN stays NaN.</summary>
    void StoreBF16(ushort* p);

    static abstract V operator +(V a, V b);
    static abstract V operator -(V a, V b);
    static abstract V operator *(V a, V b);
    static abstract V operator /(V a, V b);

    /// <summary>a b + c, rounded once where the machine can.</summary>
    static abstract V MulAdd(V a, V b, V c);

    static abstract V Sqrt(V x);

    /// <summary>The larger; of a number and NaN, either.</summary>
    static abstract V Max(V a, V b);
    static abstract V Min(V a, V b);

    /// <summary>a &lt;= b ? x : y, lane by lane.</summary>
    static abstract V IfAtMost(V a, V b, V x, V y);

    /// <summary>2^n of the integer n in the low bits of 1.5·2^23 + n, for n in -127 .. 127; 0 for n = -127.</summary>
    static abstract V PowerOfTwo(V shifted);

    /// <summary>Sum of the lanes, by halves.</summary>
    static abstract float Sum(V x);
    static abstract float MaxOf(V x);
}
