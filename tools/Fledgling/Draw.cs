// Random choices for the corpus: SplitMix64 (Steele, Lea, Flood 2014), so that a seed gives the same corpus on every machine and runtime.
namespace Aerie.Fledgling;

internal sealed class Draw(ulong seed)
{
    ulong state = seed;

    public ulong Bits()
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 ... count - 1; the high half of a product is as fair as this use needs.</summary>
    public int Below(int count) => (int)(((Bits() >> 32) * (ulong)count) >> 32);

    /// <summary>low ... high, both included.</summary>
    public int Between(int low, int high) => low + Below(high - low + 1);

    public bool Coin() => Below(2) == 0;

    public T Pick<T>(ReadOnlySpan<T> items) => items[Below(items.Length)];

    /// <summary>Two different members.</summary>
    public (T First, T Second) Pair<T>(ReadOnlySpan<T> items)
    {
        int first = Below(items.Length), second = Below(items.Length - 1);
        return (items[first], items[second < first ? second : second + 1]);
    }

    public T[] Shuffled<T>(ReadOnlySpan<T> items)
    {
        T[] all = items.ToArray();
        for (int i = all.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (all[i], all[j]) = (all[j], all[i]);
        }
        return all;
    }
}
