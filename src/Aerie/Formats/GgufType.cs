// The element types of GGUF files. A type is a block: so many numbers in so many bytes, and the way from those bytes to float32.
// Ids and names are ggml's (ggml.h, enum ggml_type). Types without a way are known by name only, to be refused by it.
namespace Aerie.Formats;

delegate void GgufExpand(ReadOnlySpan<byte> blocks, Span<float> to);

sealed record GgufType(uint Id, string Name, int BlockLength = 0, int BlockBytes = 0, GgufExpand? Expand = null)
{
    static readonly GgufType[] All =
    [
        new(0, "F32", 1, 4, GgufBlocks.F32), new(1, "F16", 1, 2, GgufBlocks.F16), new(30, "BF16", 1, 2, GgufBlocks.BF16),
        new(2, "Q4_0", 32, 18, GgufBlocks.Q4_0), new(3, "Q4_1", 32, 20, GgufBlocks.Q4_1), new(6, "Q5_0", 32, 22, GgufBlocks.Q5_0),
        new(7, "Q5_1", 32, 24, GgufBlocks.Q5_1), new(8, "Q8_0", 32, 34, GgufBlocks.Q8_0),
        new(10, "Q2_K", 256, 84, GgufBlocks.Q2_K), new(11, "Q3_K", 256, 110, GgufBlocks.Q3_K), new(12, "Q4_K", 256, 144, GgufBlocks.Q4_K), new(13, "Q5_K", 256, 176, GgufBlocks.Q5_K), new(14, "Q6_K", 256, 210, GgufBlocks.Q6_K),
        new(4, "Q4_2"), new(5, "Q4_3"), new(9, "Q8_1"), new(15, "Q8_K"), new(16, "IQ2_XXS"), new(17, "IQ2_XS"), new(18, "IQ3_XXS"), new(19, "IQ1_S"),
        new(20, "IQ4_NL"), new(21, "IQ3_S"), new(22, "IQ2_S"), new(23, "IQ4_XS"), new(24, "I8"), new(25, "I16"), new(26, "I32"), new(27, "I64"), new(28, "F64"),
        new(29, "IQ1_M"), new(34, "TQ1_0"), new(35, "TQ2_0"), new(39, "MXFP4"), new(40, "NVFP4"), new(41, "Q1_0"), new(42, "Q2_0"),
    ];

    /// <summary>The type of an id; one without a name where ggml has got more since.</summary>
    internal static GgufType Find(uint id) => Array.Find(All, type => type.Id == id) ?? new GgufType(id, $"number {id}");

    /// <summary>The names of the types that are read.</summary>
    internal static string Supported => string.Join(", ", All.Where(type => type.Expand is not null).Select(type => type.Name));
}
