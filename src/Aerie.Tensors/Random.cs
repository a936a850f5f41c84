// Counter-based random numbers: Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
// A value depends on (seed, purpose, step, index) alone: the same on every backend, any thread, and after a resume.
using System.Runtime.CompilerServices;

namespace Aerie.Tensors;

/// <summary>A stream of random numbers named by a seed, a purpose and a step; value i can be asked for in any order.</summary>
public readonly struct CounterRandom
{
    readonly uint keyLow, keyHigh, purposeHash, step;

    public CounterRandom(ulong seed, string purpose, uint step = 0)
    {
        (keyLow, keyHigh, this.step) = ((uint)seed, (uint)(seed >> 32), step);
        var hash = 2166136261u;                       // FNV-1a
        foreach (var c in purpose) hash = (hash ^ c) * 16777619u;
        purposeHash = hash;
    }

    /// <summary>32 random bits.</summary>
    public uint Bits(ulong index)
    {
        var block = Block(index >> 2);
        return (index & 3) switch { 0 => block.A, 1 => block.B, 2 => block.C, _ => block.D };
    }

    /// <summary>Uniform in [0, 1), 24 bits.</summary>
    public float Uniform(ulong index) => (Bits(index) >> 8) * (1f / 16777216);

    /// <summary>Uniform in 0 .. n-1.</summary>
    public int Below(ulong index, int n) => (int)(((ulong)Bits(index) * (uint)n) >> 32);

    /// <summary>Standard normal (Box-Muller).</summary>
    public float Normal(ulong index)
    {
        var block = Block(index);
        var u = (block.A + 1.0) / 4294967296.0;
        var v = block.B / 4294967296.0;
        return (float)(Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v));
    }

    /// <summary>Shuffles in place (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Below((ulong)i, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Fills a f32 tensor with normal numbers of the given standard deviation.</summary>
    public void FillNormal(Tensor tensor, float deviation)
    {
        var values = tensor.F32;
        for (var i = 0; i < values.Length; i++) values[i] = deviation * Normal((ulong)i);
    }

    (uint A, uint B, uint C, uint D) Block(ulong counter) => Philox((uint)counter, (uint)(counter >> 32), purposeHash, step, keyLow, keyHigh);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (uint A, uint B, uint C, uint D) Philox(uint a, uint b, uint c, uint d, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var p = 0xD2511F53ul * a;
            var q = 0xCD9E8D57ul * c;
            (a, b, c, d) = ((uint)(q >> 32) ^ b ^ k0, (uint)q, (uint)(p >> 32) ^ d ^ k1, (uint)p);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return (a, b, c, d);
    }
}
