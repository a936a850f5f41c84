// The choice of lanes: once per process, by what the runtime accelerates, or AERIE_LANES.
using System.Runtime.Intrinsics;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

/// <summary>Fast kernels for this machine's processor, on lanes of one width.</summary>
sealed partial class CpuKernels<V> : IKernels where V : unmanaged, ILanes<V>
{
    /// <summary>Elements of a row-wise loop that are worth another thread.</summary>
    const int Grain = 1 << 13;

    public string Name => $"cpu, {V.Width} lanes";

    /// <summary>Rows of this width that are worth another thread.</summary>
    static int RowGrain(int cols) => Math.Max(1, Grain / Math.Max(1, cols));
}

static class CpuKernels
{
    /// <summary>The kernels for this machine, or with 1, 4, 8 or 16 lanes.</summary>
    public static IKernels Create(int lanes = 0) => (lanes == 0 ? Preferred() : lanes) switch
    {
        1 => new CpuKernels<F32x1>(),
        4 => new CpuKernels<F32x4>(),
        8 => new CpuKernels<F32x8>(),
        16 => new CpuKernels<F32x16>(),
        _ => throw new ArgumentOutOfRangeException(nameof(lanes), lanes, "1, 4, 8 or 16"),
    };

    static int Preferred()
    {
        var text = Environment.GetEnvironmentVariable("AERIE_LANES");
        if (string.IsNullOrEmpty(text))
            return Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : Vector128.IsHardwareAccelerated ? 4 : 1;
        return text is "1" or "4" or "8" or "16" ? int.Parse(text, null) : throw new InvalidOperationException($"AERIE_LANES is '{text}'; it must be 1, 4, 8 or 16.");
    }
}
