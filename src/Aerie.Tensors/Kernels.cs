namespace Aerie.Tensors;

/// <summary>What a backend computes. Every file of Ops/ adds its part; a backend that forgets one does not compile.
/// Tensors are f32 and dense unless said otherwise; "columns" arguments address a block of columns inside wider rows.</summary>
public partial interface IKernels
{
    /// <summary>Short name of the backend and the kernels that it chose.</summary>
    string Name { get; }
}

/// <summary>The backends.</summary>
public static class Kernels
{
    /// <summary>Every op in plain loops: the definition. Slow.</summary>
    public static IKernels Reference { get; } = new Reference.ReferenceKernels();

    /// <summary>This machine's processor, with the best instruction set it has.</summary>
    public static IKernels Cpu => cpu ??= Aerie.Tensors.Cpu.CpuKernels.Create();

    static IKernels? cpu;
}
