namespace Aerie.Tensors.Reference;

/// <summary>Every operation in plain loops and float64 sums: the definition that fast kernels must equal. Never optimised.</summary>
sealed partial class ReferenceKernels : IKernels
{
    public string Name => "reference";
}
