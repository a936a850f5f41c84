namespace Aerie.Tensors;

/// <summary>Element types. Activations are always <see cref="F32"/>; weights may be <see cref="BF16"/>; ids and masks are integers.</summary>
public enum DType : byte { F32, BF16, I64, I32, Bool }

public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.F32 or DType.I32 => 4,
        DType.BF16 => 2,
        DType.I64 => 8,
        _ => 1,
    };
}
