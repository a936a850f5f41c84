// The element types of safetensors files: names as they are written, sizes, and widening to float32.
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Aerie.Formats;

/// <summary>Element type of a tensor in a safetensors file. The order is the official writer's (data of the last comes first).</summary>
public enum SafetensorsType
{
    /// <summary>One byte; 0 is false, all else true.</summary>
    Bool,
    /// <summary>8 bits without sign.</summary>
    U8,
    /// <summary>8 bits with sign.</summary>
    I8,
    /// <summary>5 bits of exponent, 2 of mantissa, like a short F16.</summary>
    F8E5M2,
    /// <summary>4 bits of exponent (bias 7), 3 of mantissa; no infinity.</summary>
    F8E4M3,
    /// <summary>16 bits with sign.</summary>
    I16,
    /// <summary>16 bits without sign.</summary>
    U16,
    /// <summary>IEEE half.</summary>
    F16,
    /// <summary>The upper half of an IEEE single.</summary>
    BF16,
    /// <summary>32 bits with sign.</summary>
    I32,
    /// <summary>32 bits without sign.</summary>
    U32,
    /// <summary>IEEE single.</summary>
    F32,
    /// <summary>IEEE double.</summary>
    F64,
    /// <summary>64 bits with sign.</summary>
    I64,
    /// <summary>64 bits without sign.</summary>
    U64,
}

/// <summary>Names, sizes and widening of <see cref="SafetensorsType"/>.</summary>
public static class SafetensorsTypes
{
    // In the order of the enum.
    static readonly string[] Names = ["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "U16", "F16", "BF16", "I32", "U32", "F32", "F64", "I64", "U64"];
    static readonly int[] Sizes = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 8, 8, 8];

    // Part of the format, not of this program.
    internal static readonly string[] Unsupported = ["F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64"];

    /// <summary>The name as files write it, such as <c>F8_E4M3</c>.</summary>
    public static string FormatName(this SafetensorsType type) => Names[(int)type];

    /// <summary>Bytes of one element.</summary>
    public static int ByteSize(this SafetensorsType type) => Sizes[(int)type];

    /// <summary>Finds the type by the name in a file (upper case).</summary>
    public static bool TryParse(string name, out SafetensorsType type)
    {
        var index = Array.IndexOf(Names, name);
        type = (SafetensorsType)Math.Max(index, 0);
        return index >= 0;
    }

    /// <summary>True for the types that <see cref="Widen"/> takes.</summary>
    public static bool IsFloat(this SafetensorsType type) =>
        type is SafetensorsType.F64 or SafetensorsType.F32 or SafetensorsType.F16 or SafetensorsType.BF16 or SafetensorsType.F8E4M3 or SafetensorsType.F8E5M2;

    /// <summary>Floating-point elements to float32: exact but for F64, which is rounded to the nearest. Little endian, any alignment.</summary>
    /// <exception cref="ArgumentException">The type is no floating-point type, or the lengths differ.</exception>
    public static void Widen(this SafetensorsType type, ReadOnlySpan<byte> from, Span<float> to)
    {
        if (from.Length != (long)to.Length * type.ByteSize()) throw new ArgumentException($"{from.Length} bytes are not {to.Length} elements of {type.FormatName()}");
        switch (type)
        {
            case SafetensorsType.F32:
                from.CopyTo(MemoryMarshal.AsBytes(to));
                break;
            case SafetensorsType.BF16:
                for (var i = 0; i < to.Length; i++) to[i] = BitConverter.Int32BitsToSingle(BinaryPrimitives.ReadInt16LittleEndian(from[(2 * i)..]) << 16);
                break;
            case SafetensorsType.F16:
                for (var i = 0; i < to.Length; i++) to[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(from[(2 * i)..]);
                break;
            case SafetensorsType.F64:
                for (var i = 0; i < to.Length; i++) to[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(from[(8 * i)..]);
                break;
            case SafetensorsType.F8E5M2:
                for (var i = 0; i < to.Length; i++) to[i] = (float)BitConverter.UInt16BitsToHalf((ushort)(from[i] << 8));
                break;
            case SafetensorsType.F8E4M3:
                for (var i = 0; i < to.Length; i++) to[i] = E4M3(from[i]);
                break;
            default:
                throw new ArgumentException($"{type.FormatName()} is not a floating-point type");
        }
    }

    static float E4M3(byte bits)
    {
        var (exponent, mantissa) = ((bits >> 3) & 15, bits & 7);
        if ((bits & 0x7F) == 0x7F) return float.NaN;
        var size = exponent == 0 ? mantissa * (1f / 512) : MathF.ScaleB(1 + mantissa / 8f, exponent - 7);
        return (bits & 0x80) != 0 ? -size : size;
    }
}
