// Philox-4x32-10 against the known answers of its authors (Random123), and the statistics of what is made of it.
namespace Aerie.Tensors.Tests;

public sealed class RandomTests
{
    [Fact]
    public void Philox_gives_the_known_answers()
    {
        const uint F = 0xffffffff;
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), CounterRandom.Philox(0, 0, 0, 0, 0, 0));
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), CounterRandom.Philox(F, F, F, F, F, F));
        Assert.Equal((0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u),
            CounterRandom.Philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0));
        Assert.Equal([0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u], Enumerable.Range(0, 4).Select(i => default(CounterRandom).Bits((ulong)i)));
    }

    [Fact]
    public void Seed_purpose_and_step_make_different_streams_that_repeat()
    {
        var streams = new[] { new CounterRandom(1, "a"), new(2, "a"), new(1, "b"), new(1, "a", 1), new(1UL << 32, "a") };
        Assert.Equal(streams.Length, streams.Select(s => s.Bits(5)).Distinct().Count());
        Assert.Equal(new CounterRandom(1, "a").Bits(5), streams[0].Bits(5));
    }

    [Fact]
    public void Normal_numbers_have_mean_0_and_deviation_1()
    {
        using var x = OpCase.Normal(1, 100, 1000);
        Assert.InRange(x.ToArray().Average(), -0.015, 0.015);
        Assert.InRange(Math.Sqrt(Kernels.Cpu.SumOfSquares(x) / x.Count), 0.985, 1.015);
    }

    [Fact]
    public void A_shuffle_keeps_every_item()
    {
        var items = Enumerable.Range(0, 100).ToArray();
        new CounterRandom(3, "shuffle").Shuffle<int>(items);
        Assert.NotEqual(Enumerable.Range(0, 100), items);
        Assert.Equal(Enumerable.Range(0, 100), items.Order());
    }
}
