// Matrix products C = alpha A B (+ bias) (+ C). Every element of C is one sum, taken in ascending order of k, so its bits depend on nothing else:
// not on the number of rows, on threads or on blocking.
namespace Aerie.Tensors.Cpu;

/// <summary>Matrix products on the processor.</summary>
public static unsafe class Gemm
{
    /// <summary>C [M, N] = alpha * A [M, K] B [K, N] + bias [N] (null: none), or C + that when <paramref name="accumulate"/>.
    /// Element: sum over ascending k first, then alpha, bias, C.</summary>
    public static void Multiply(MatrixView a, PackedMatrix b, float* c, int ldc, bool accumulate = false, float* bias = null, float alpha = 1)
    {
        if (a.Cols != b.K)
            throw new ArgumentException($"[gemm] A is [{a.Rows}, {a.Cols}] but B is [{b.K}, {b.N}].");
        var rows = new RowsBody { A = a, Data = b.Data, N = b.N, Precision = b.Precision, C = c, Ldc = ldc, Accumulate = accumulate, Bias = bias, Alpha = alpha };
        Threads.For(a.Rows, ref rows);
    }

    /// <summary>The same with a B that is used once: it is packed into scratch memory.</summary>
    public static void Multiply(MatrixView a, MatrixView b, float* c, int ldc, Precision precision, bool accumulate = false, float* bias = null, float alpha = 1)
    {
        using var packed = PackedMatrix.Pack(precision, b);
        Multiply(a, packed, c, ldc, accumulate, bias, alpha);
    }

    /// <summary>What this machine multiplies with, one line each.</summary>
    public static IReadOnlyList<string> Describe() => [$"matrix products: plain loops, {Threads.Count} threads"];

    internal static float RoundToBF16(float x)
    {
        uint bits = BitConverter.SingleToUInt32Bits(x);
        bits = float.IsNaN(x) ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
        return BitConverter.UInt32BitsToSingle(bits & 0xffff0000);
    }

    struct RowsBody : IParallelBody
    {
        public MatrixView A;
        public Precision Precision;
        public float* Data, C, Bias;
        public int N, Ldc;
        public bool Accumulate;
        public float Alpha;

        public readonly void Invoke(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                for (int j = 0; j < N; j++)
                {
                    float sum = 0;
                    for (int k = 0; k < A.Cols; k++)
                        sum += (Precision == Precision.BF16 ? RoundToBF16(A[i, k]) : A[i, k]) * Data[(long)k * N + j];
                    float* at = C + (long)i * Ldc + j;
                    sum = sum * Alpha + (Bias == null ? 0 : Bias[j]);
                    *at = Accumulate ? *at + sum : sum;
                }
            }
        }
    }
}
