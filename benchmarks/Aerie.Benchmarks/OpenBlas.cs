// Yardstick: cblas_sgemm of the system's OpenBLAS (Debian: libopenblas0-pthread). Loaded by the benchmark only; absent is a result too.
using System.Runtime.InteropServices;

namespace Aerie.Benchmarks;

sealed unsafe class OpenBlas
{
    const int RowMajor = 101, NoTrans = 111, Trans = 112;
    readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;

    OpenBlas(nint library)
    {
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)NativeLibrary.GetExport(library, "cblas_sgemm");
        var config = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "openblas_get_config");
        Name = Marshal.PtrToStringUTF8((nint)config()) ?? "OpenBLAS";
    }

    public string Name { get; }

    public static OpenBlas? Load()
    {
        foreach (string name in new[] { "libopenblas.so.0", "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0" })
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return new OpenBlas(library);
        }

        return null;
    }

    /// <summary>C [m, n] = A [m, k] W^T, W [n, k].</summary>
    public void MultiplyTransposed(int m, int n, int k, float* a, float* w, float* c) =>
        _sgemm(RowMajor, NoTrans, Trans, m, n, k, 1, a, k, w, k, 0, c, n);
}
