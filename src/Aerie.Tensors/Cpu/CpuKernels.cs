namespace Aerie.Tensors.Cpu;

/// <summary>Fast kernels for this machine's processor.</summary>
sealed partial class CpuKernels : IKernels
{
    readonly Reference.ReferenceKernels plain = new();

    public string Name => "cpu";
}
