// Memory for the time of one kernel.
using System.Runtime.InteropServices;

namespace Aerie.Tensors.Cpu;

/// <summary>Native floats that are freed at the end of the scope.</summary>
readonly unsafe ref struct ScratchFloats
{
    readonly void* owned;

    public ScratchFloats(long floats) => owned = Floats = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(floats, 1) * 4, 64);

    /// <summary>The floats of a small tensor: its own memory, or a copy when it is bf16.</summary>
    public ScratchFloats(Tensor? tensor)
    {
        if (tensor is null) return;
        if (tensor.DType == DType.F32)
        {
            Floats = tensor.Floats;
            return;
        }
        owned = Floats = (float*)NativeMemory.AlignedAlloc((nuint)Math.Max(tensor.Count, 1) * 4, 64);
        BFloat16.ToFloat(tensor.BF16, new Span<float>(Floats, (int)tensor.Count));
    }

    public readonly float* Floats;

    public void Dispose() => NativeMemory.AlignedFree(owned);
}
