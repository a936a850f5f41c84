// MXFP4 (OCP Microscaling Formats 1.0; Rouhani et al. 2023, arXiv:2310.10537), as the published gpt-oss checkpoints hold their experts: 32 numbers of 4 bits (e2m1) share one scale (e8m0).
//   w = e2m1 · 2^(scale − 127)        two numbers in a byte, the first in its low half        e2m1: sign, then 0 0.5 1 1.5 2 3 4 6        scale 255: no number
namespace Aerie.Targets;

static class Mxfp4
{
    /// <summary>Numbers that share a scale, and the bytes that hold them.</summary>
    internal const int Numbers = 32, Bytes = 16;

    static ReadOnlySpan<float> Values => [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6];

    /// <summary>Expands blocks; every number is one of bfloat16, but for the very smallest.</summary>
    internal static void Expand(ReadOnlySpan<byte> blocks, ReadOnlySpan<byte> scales, Span<float> to)
    {
        if (blocks.Length != scales.Length * Bytes || to.Length != scales.Length * Numbers) throw new ArgumentException($"{blocks.Length} bytes with {scales.Length} scales for {to.Length} numbers");
        Span<float> table = stackalloc float[16];
        for (var i = 0; i < scales.Length; i++)
        {
            var scale = scales[i] == 255 ? float.NaN : MathF.ScaleB(1, scales[i] - 127);
            for (var v = 0; v < table.Length; v++) table[v] = Values[v] * scale;
            var block = blocks.Slice(i * Bytes, Bytes);
            var numbers = to.Slice(i * Numbers, Numbers);
            for (var j = 0; j < block.Length; j++) (numbers[2 * j], numbers[2 * j + 1]) = (table[block[j] & 15], table[block[j] >> 4]);
        }
    }
}
