// Rounding to bfloat16: to nearest, ties to even, by exhaustion over the bits that decide.
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Tests;

public sealed unsafe class BFloat16Tests
{
    [Fact]
    public void Every_bfloat16_survives_and_every_float_goes_to_the_nearest()
    {
        for (var bits = 0; bits < 65536; bits++)
        {
            var exact = BFloat16.ToFloat((ushort)bits);
            if (float.IsNaN(exact))
            {
                Assert.True(float.IsNaN(BFloat16.Round(exact)));
                continue;
            }
            Assert.Equal((ushort)bits, BFloat16.FromFloat(exact));
            if (float.IsInfinity(exact)) continue;
            // the float between this one and the next away from zero, and its two neighbours
            var middle = ((uint)bits << 16) | 0x8000;
            Assert.Equal((ushort)bits, BFloat16.FromFloat(BitConverter.UInt32BitsToSingle(middle - 1)));
            Assert.Equal((ushort)(bits + 1), BFloat16.FromFloat(BitConverter.UInt32BitsToSingle(middle + 1)));
            Assert.Equal((ushort)(bits + (bits & 1)), BFloat16.FromFloat(BitConverter.UInt32BitsToSingle(middle)));
        }
    }

    [Fact]
    public void Lanes_of_every_width_round_alike()
    {
        Same<F32x1>();
        Same<F32x4>();
        Same<F32x8>();
        Same<F32x16>();

        static void Same<V>() where V : unmanaged, ILanes<V>
        {
            uint[] special = [0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x7f7fffff, 0x00000001, 0x3f808000, 0x3f818000];
            var random = new CounterRandom(1, "bf16");
            var values = stackalloc float[16];
            var (rounded, back) = (new ushort[16], new float[16]);
            for (var round = 0; round < 200; round++)
            {
                for (var i = 0; i < 16; i++)
                    values[i] = BitConverter.UInt32BitsToSingle(round < 10 ? special[(round + i) % 10] : random.Bits((ulong)(16 * round + i)));
                fixed (ushort* bits = rounded)
                fixed (float* widened = back)
                    for (var i = 0; i < 16; i += V.Width)
                    {
                        V.Load(values + i).StoreBF16(bits + i);
                        V.LoadBF16(bits + i).Store(widened + i);
                    }
                for (var i = 0; i < 16; i++)
                {
                    if (float.IsNaN(values[i])) Assert.True(float.IsNaN(back[i]));
                    else Assert.Equal(BFloat16.FromFloat(values[i]), rounded[i]);
                    Assert.Equal(BFloat16.ToFloat(rounded[i]), back[i]);
                }
            }
        }
    }
}
