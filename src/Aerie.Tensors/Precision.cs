// How a matrix product reads its operands. Sums are float32 either way.
namespace Aerie.Tensors;

/// <summary>What the operands of a matrix product are rounded to before they are multiplied; sums are always float32.</summary>
public enum Precision
{
    /// <summary>Operands as they are.</summary>
    F32,

    /// <summary>Both operands rounded to bfloat16, to nearest even.</summary>
    BF16,
}
