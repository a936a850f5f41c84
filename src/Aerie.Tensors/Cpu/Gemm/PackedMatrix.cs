// The right-hand matrix of a product, rearranged once for the kernels.
using System.Runtime.InteropServices;

namespace Aerie.Tensors.Cpu;

/// <summary>A matrix B [K, N] packed for products A B. Native memory, 64-byte aligned, owned by whoever packed it.</summary>
public sealed unsafe class PackedMatrix : IDisposable
{
    float* _data;

    PackedMatrix(Precision precision, int k, int n)
    {
        (Precision, K, N) = (precision, k, n);
        _data = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max((long)k * n, 1) * 4, 64);
    }

    /// <summary>What B was rounded to and A will be.</summary>
    public Precision Precision { get; }

    /// <summary>Rows of B.</summary>
    public int K { get; }

    /// <summary>Columns of B.</summary>
    public int N { get; }

    internal float* Data => _data;

    /// <summary>Packs a copy of <paramref name="b"/> [K, N]; a weight W [N, K] is packed as <c>w.T</c> for x W^T and as <c>w</c> for dy W.</summary>
    public static PackedMatrix Pack(Precision precision, MatrixView b)
    {
        var packed = new PackedMatrix(precision, b.Rows, b.Cols);
        packed.Repack(b);
        return packed;
    }

    /// <summary>Packs new values of the same shape into the same memory.</summary>
    public void Repack(MatrixView b)
    {
        ObjectDisposedException.ThrowIf(_data == null, this);
        if (b.Rows != K || b.Cols != N)
            throw new ArgumentException($"[repack] wants [{K}, {N}] but got [{b.Rows}, {b.Cols}].");
        for (int k = 0; k < K; k++)
        {
            for (int n = 0; n < N; n++)
                _data[(long)k * N + n] = Precision == Precision.BF16 ? Gemm.RoundToBF16(b[k, n]) : b[k, n];
        }
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}
