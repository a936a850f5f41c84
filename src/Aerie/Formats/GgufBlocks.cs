// Blocks of GGUF tensors to float32, by the formulas of ggml (ggml-common.h, ggml-quants.c); d and m are halves, q the small whole numbers:
//   Q4_0, Q5_0, Q8_0: d q      (q less 8, less 16, signed)          Q4_1, Q5_1: d q + m
//   Q4_K, Q5_K: (d s) q - (m t)      eight runs of 32, each with a 6-bit scale s and a 6-bit minimum t
//   Q2_K: (d s) q - (m t)      sixteen runs of 16, each with a 4-bit scale s and a 4-bit minimum t
//   Q3_K, Q6_K: (d s) q        (q less 4, less 32)      sixteen runs of 16, each with a scale s (6 bits less 32, signed 8 bits)
// Every product here is exact in float32, so the one rounding is that of the sum: the values are ggml's, bit for bit.
using System.Buffers.Binary;

namespace Aerie.Formats;

static class GgufBlocks
{
    internal static void F32(ReadOnlySpan<byte> from, Span<float> to) => SafetensorsType.F32.Widen(from, to);

    internal static void F16(ReadOnlySpan<byte> from, Span<float> to) => SafetensorsType.F16.Widen(from, to);

    internal static void BF16(ReadOnlySpan<byte> from, Span<float> to) => SafetensorsType.BF16.Widen(from, to);

    static float Half(ReadOnlySpan<byte> from) => (float)BinaryPrimitives.ReadHalfLittleEndian(from);

    // d, then 16 bytes: the low halves are numbers 0 to 15, the high ones 16 to 31.
    internal static void Q4_0(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[32..], from = from[18..])
        {
            var d = Half(from);
            for (var i = 0; i < 16; i++)
            {
                var pair = from[2 + i];
                to[i] = d * ((pair & 15) - 8);
                to[i + 16] = d * ((pair >> 4) - 8);
            }
        }
    }

    // d, m, 16 bytes.
    internal static void Q4_1(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[32..], from = from[20..])
        {
            var (d, m) = (Half(from), Half(from[2..]));
            for (var i = 0; i < 16; i++)
            {
                var pair = from[4 + i];
                to[i] = d * (pair & 15) + m;
                to[i + 16] = d * (pair >> 4) + m;
            }
        }
    }

    // d, 32 fifth bits, 16 bytes.
    internal static void Q5_0(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[32..], from = from[22..])
        {
            var (d, fifth) = (Half(from), BinaryPrimitives.ReadUInt32LittleEndian(from[2..]));
            for (var i = 0; i < 16; i++)
            {
                var pair = from[6 + i];
                to[i] = d * ((pair & 15 | Bit(fifth, i) << 4) - 16);
                to[i + 16] = d * ((pair >> 4 | Bit(fifth, i + 16) << 4) - 16);
            }
        }
    }

    // d, m, 32 fifth bits, 16 bytes.
    internal static void Q5_1(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[32..], from = from[24..])
        {
            var (d, m, fifth) = (Half(from), Half(from[2..]), BinaryPrimitives.ReadUInt32LittleEndian(from[4..]));
            for (var i = 0; i < 16; i++)
            {
                var pair = from[8 + i];
                to[i] = d * (pair & 15 | Bit(fifth, i) << 4) + m;
                to[i + 16] = d * (pair >> 4 | Bit(fifth, i + 16) << 4) + m;
            }
        }
    }

    static int Bit(uint bits, int at) => (int)(bits >> at) & 1;

    // d, 32 signed bytes.
    internal static void Q8_0(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[32..], from = from[34..])
        {
            var d = Half(from);
            for (var i = 0; i < 32; i++) to[i] = d * (sbyte)from[2 + i];
        }
    }

    // d, m, 12 bytes of scales and minima, 128 bytes: of each 32 the low halves are one run, the high halves the next.
    internal static void Q4_K(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[256..], from = from[144..])
        {
            for (var run = 0; run < 8; run++)
            {
                var (d, m) = RunScales(from, run);
                var pairs = from.Slice(16 + run / 2 * 32, 32);
                var result = to.Slice(run * 32, 32);
                var shift = run % 2 * 4;
                for (var i = 0; i < 32; i++) result[i] = d * (pairs[i] >> shift & 15) - m;
            }
        }
    }

    // d, m, 12 bytes of scales and minima, 32 bytes with bit r the fifth bit of run r, 128 bytes as above.
    internal static void Q5_K(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[256..], from = from[176..])
        {
            var fifths = from.Slice(16, 32);
            for (var run = 0; run < 8; run++)
            {
                var (d, m) = RunScales(from, run);
                var pairs = from.Slice(48 + run / 2 * 32, 32);
                var result = to.Slice(run * 32, 32);
                var shift = run % 2 * 4;
                for (var i = 0; i < 32; i++) result[i] = d * (pairs[i] >> shift & 15 | (fifths[i] >> run & 1) << 4) - m;
            }
        }
    }

    // Six bits each in 12 bytes: runs 0-3 have s in bytes 0-3 and t in bytes 4-7, low six bits; runs 4-7 have the low halves in bytes 8-11
    // (s below, t above) and their two high bits on top of bytes 0-3 and 4-7.
    static (float Scale, float Minimum) RunScales(ReadOnlySpan<byte> block, int run)
    {
        var packed = block.Slice(4, 12);
        var (s, t) = run < 4 ? (packed[run] & 63, packed[run + 4] & 63)
            : (packed[run + 4] & 15 | packed[run - 4] >> 6 << 4, packed[run + 4] >> 4 | packed[run] >> 6 << 4);
        return (Half(block) * s, Half(block[2..]) * t);
    }

    // 16 bytes with s below and t above, 64 bytes of two bits, d, m. Each half of the block has 32 of the bytes; pair k of their bits is quarter k of the half's 128 numbers.
    internal static void Q2_K(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[256..], from = from[84..])
        {
            var (d, m) = (Half(from[80..]), Half(from[82..]));
            for (var run = 0; run < 16; run++)
            {
                var bits = from.Slice(16 + run / 8 * 32 + run % 2 * 16, 16);
                var result = to.Slice(run * 16, 16);
                var (scale, minimum, shift) = (d * (from[run] & 15), m * (from[run] >> 4), run / 2 % 4 * 2);
                for (var i = 0; i < 16; i++) result[i] = scale * (bits[i] >> shift & 3) - minimum;
            }
        }
    }

    // 32 bytes of third bits (bit k: quarter k of the whole block's eight; set means not less 4), 64 bytes of two bits as above, 12 bytes of scales, d.
    // Scale r: low four bits in byte r, or for r >= 8 above those in byte r - 8; high two in byte 8 + r % 4, pair r / 4.
    internal static void Q3_K(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[256..], from = from[110..])
        {
            var d = Half(from[108..]);
            var packed = from.Slice(96, 12);
            for (var run = 0; run < 16; run++)
            {
                var third = from.Slice(run % 2 * 16, 16);
                var bits = from.Slice(32 + run / 8 * 32 + run % 2 * 16, 16);
                var result = to.Slice(run * 16, 16);
                var scale = d * ((packed[run % 8] >> run / 8 * 4 & 15 | (packed[8 + run % 4] >> run / 4 * 2 & 3) << 4) - 32);
                for (var i = 0; i < 16; i++) result[i] = scale * ((bits[i] >> run / 2 % 4 * 2 & 3 | (third[i] >> run / 2 & 1) << 2) - 4);
            }
        }
    }

    // 128 bytes of low four bits, 64 of high two bits, 16 scales, d. Each half of the block: 64, 32 and 8 of them, and four quarters of 32 numbers:
    // quarter k has its low bits in bytes 0-31 (k even) or 32-63 (odd), low halves (k < 2) or high, and its high bits in pair k of the 32 bytes.
    internal static void Q6_K(ReadOnlySpan<byte> from, Span<float> to)
    {
        for (; to.Length > 0; to = to[256..], from = from[210..])
        {
            var d = Half(from[208..]);
            for (var run = 0; run < 16; run++)
            {
                var (half, quarter, start) = (run / 8, run / 2 % 4, run % 2 * 16);
                var low = from.Slice(half * 64 + quarter % 2 * 32 + start, 16);
                var high = from.Slice(128 + half * 32 + start, 16);
                var result = to.Slice(run * 16, 16);
                var (scale, shift) = (d * (sbyte)from[192 + run], quarter / 2 * 4);
                for (var i = 0; i < 16; i++) result[i] = scale * ((low[i] >> shift & 15 | (high[i] >> 2 * quarter & 3) << 4) - 32);
            }
        }
    }
}
