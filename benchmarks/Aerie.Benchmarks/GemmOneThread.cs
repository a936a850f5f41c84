// The same products on one thread, timed by the thread's own processor time, the best of many rounds: for machines that others use at the same time.
// The yardsticks must be kept to one thread by their own variables: OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1.
using System.Diagnostics;
using System.Runtime.InteropServices;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Benchmarks;

static unsafe partial class GemmOneThread
{
    const int ThreadCpuTime = 3;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, long* secondsAndNanoseconds);

    static double Now()
    {
        long* time = stackalloc long[2];
        if (!OperatingSystem.IsLinux())
            return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
        _ = ClockGetTime(ThreadCpuTime, time);
        return time[0] + time[1] * 1e-9;
    }

    public static void Run((int M, int N, int K)[] shapes, OpenBlas? openBlas, OneDnn? oneDnn)
    {
        Threads.Count = 1;
        Console.WriteLine("one thread, best of rounds, processor time; x W^T, M x N x K");
        Console.WriteLine("shape                      f32 GFLOP/s  OpenBLAS  ratio  |  bf16 GFLOP/s    oneDNN  ratio");
        foreach ((int m, int n, int k) in shapes)
        {
            float[] a = new float[(long)m * k], w = new float[(long)n * k], c = new float[(long)m * n];
            ushort[] a16 = new ushort[a.Length], w16 = new ushort[w.Length];
            Array.Fill(a, 0.5f);
            Array.Fill(w, 0.25f);
            Array.Fill(a16, (ushort)0x3f00);
            Array.Fill(w16, (ushort)0x3e80);
            fixed (float* pa = a, pw = w, pc = c)
            fixed (ushort* pa16 = a16, pw16 = w16)
            {
                float* fa = pa, fw = pw, fc = pc;
                using PackedMatrix f32 = PackedMatrix.Pack(Precision.F32, new MatrixView(fw, n, k).T), bf16 = PackedMatrix.Pack(Precision.BF16, new MatrixView(fw, n, k).T);
                Action?[] candidates =
                [
                    () => Gemm.Multiply(new MatrixView(fa, m, k), f32, fc, n),
                    openBlas == null ? null : () => openBlas.MultiplyTransposed(m, n, k, fa, fw, fc),
                    () => Gemm.Multiply(new MatrixView(fa, m, k), bf16, fc, n),
                    oneDnn?.MatmulTransposed(m, n, k, true, pa16, pw16, fc),
                ];
                double work = 2.0 * m * n * k / 1e9;
                double[] best = [.. candidates.Select(candidate => candidate == null ? double.NaN : double.PositiveInfinity)];
                for (int round = (int)Math.Clamp(100 / work, 3, 40); round >= 0; round--)
                {
                    for (int i = 0; i < candidates.Length; i++)
                    {
                        if (candidates[i] is not { } run)
                            continue;
                        double start = Now();
                        run();
                        best[i] = Math.Min(best[i], Now() - start);
                    }
                }

                Console.WriteLine($"{m + " x " + n + " x " + k,-26} {work / best[0],11:F0} {work / best[1],9:F0} {best[1] / best[0],6:F2}  | {work / best[2],13:F0} {work / best[3],9:F0} {best[3] / best[2],6:F2}");
            }
        }
    }
}
