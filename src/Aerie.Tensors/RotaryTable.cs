// cos and sin of position · frequency, computed in float64 from the config, kept in float32; grown when a longer text comes.
// Kinds as in transformers: default, linear, llama3 (Llama 3.1), yarn (Peng et al. 2023, arXiv:2309.00071), longrope (Ding et al. 2024, arXiv:2402.13753).
// A longrope table has two parts: first a row for each short position (at most L), turned by the short factors, then one for each long position. A token is long iff
//   max(length of its prompt, its position + 1) > L
// which depends on nothing but its own text: not on how that is cut into passes, nor on how many rows are verified together.
namespace Aerie.Tensors;

/// <summary>Rotation angles of one head size.</summary>
public sealed class RotaryTable : IDisposable
{
    readonly double[] frequencies, longFrequencies;
    readonly double attentionScale;

    /// <param name="frequencies">One frequency for each rotated pair.</param>
    /// <param name="attentionScale">Factor of cos and sin (yarn); 1 otherwise.</param>
    /// <param name="positions">Positions to cover at first.</param>
    /// <param name="headSize">Distance d from head to head; its first 2 · frequencies dimensions are rotated, the others pass. 0: all of it is rotated.</param>
    public RotaryTable(ReadOnlySpan<double> frequencies, double attentionScale = 1, int positions = 512, int headSize = 0)
        : this(frequencies.ToArray(), [], 0, attentionScale, positions, headSize) { }

    RotaryTable(double[] frequencies, double[] longFrequencies, int shortLength, double attentionScale, int positions, int headSize)
    {
        (this.frequencies, this.longFrequencies, ShortLength, this.attentionScale) = (frequencies, longFrequencies, shortLength, attentionScale);
        HeadSize = headSize == 0 ? RotatedSize : headSize;
        Check.That(RotatedSize <= HeadSize, $"{RotatedSize} rotated dimensions of heads of {HeadSize}");
        Cos = Sin = null!;
        Grow(positions);
    }

    /// <summary>A table of two regimes.</summary>
    /// <param name="shortFrequencies">Frequencies of a text of at most <paramref name="shortLength"/> tokens.</param>
    /// <param name="longFrequencies">Frequencies of a longer one.</param>
    /// <param name="shortLength">L.</param>
    /// <param name="attentionScale">Factor of cos and sin in both.</param>
    /// <param name="headSize">Distance from head to head; 0: twice the frequencies.</param>
    public static RotaryTable LongRope(double[] shortFrequencies, double[] longFrequencies, int shortLength, double attentionScale, int headSize = 0, int positions = 512)
    {
        Check.That(shortFrequencies.Length == longFrequencies.Length, $"{shortFrequencies.Length} short and {longFrequencies.Length} long frequencies");
        Check.That(shortLength > 0, $"a context of {shortLength}");
        return new(shortFrequencies, longFrequencies, shortLength, attentionScale, positions, headSize);
    }

    /// <summary>Distance d from head to head.</summary>
    public int HeadSize { get; }

    /// <summary>The first r dimensions of a head that are rotated.</summary>
    public int RotatedSize => frequencies.Length * 2;

    /// <summary>Length L of a text up to which the short regime holds; 0: there is only one regime.</summary>
    public int ShortLength { get; }

    /// <summary>Positions that the table covers.</summary>
    public int Positions { get; private set; }

    /// <summary>Rows before those of the long regime.</summary>
    internal int ShortRows => Math.Min(ShortLength, Positions);

    /// <summary>[short rows + positions, r / 2], f32.</summary>
    internal Tensor Cos { get; private set; }
    internal Tensor Sin { get; private set; }

    /// <summary>Does the token at this position, of a text whose prompt has that many tokens, turn by the long regime?</summary>
    public bool IsLong(int promptLength, int position) => ShortLength > 0 && Math.Max(promptLength, position + 1) > ShortLength;

    /// <summary>The row of the table for a position: what the kernels call its position. It holds until the table grows.</summary>
    public int Row(int position, bool isLong) => isLong ? ShortRows + position : position;

    /// <summary>Makes sure that positions 0 .. n-1 are covered. To be called before kernels run, not while.</summary>
    public void Grow(int n)
    {
        if (n <= Positions) return;
        n = Math.Max(n, Positions * 2);
        var half = frequencies.Length;
        var shortRows = Math.Min(ShortLength, n);
        var shape = new Shape(shortRows + n, half);
        var (cos, sin) = (Tensor.Allocate(shape), Tensor.Allocate(shape));
        for (var row = 0; row < shape[0]; row++)
        {
            var isLong = ShortLength > 0 && row >= shortRows;
            var (p, f) = isLong ? (row - shortRows, longFrequencies) : (row, frequencies);
            var c = cos.Row(row);
            var s = sin.Row(row);
            for (var i = 0; i < half; i++)
            {
                c[i] = (float)(attentionScale * Math.Cos(p * f[i]));
                s[i] = (float)(attentionScale * Math.Sin(p * f[i]));
            }
        }
        Dispose();
        (Cos, Sin, Positions) = (cos, sin, n);
    }

    public void Dispose()
    {
        Cos?.Dispose();
        Sin?.Dispose();
    }

    /// <summary>theta^(-2i/d), i = 0 .. d/2 - 1.</summary>
    public static double[] Default(int headSize, double theta)
        => [.. Enumerable.Range(0, headSize / 2).Select(i => Math.Pow(theta, -2.0 * i / headSize))];

    public static double[] Linear(int headSize, double theta, double factor)
        => [.. Default(headSize, theta).Select(f => f / factor)];

    public static double[] Llama3(int headSize, double theta, double factor, double lowFactor, double highFactor, double originalLength)
        => [.. Default(headSize, theta).Select(f =>
        {
            var wavelength = 2 * Math.PI / f;
            if (wavelength > originalLength / lowFactor) return f / factor;
            if (wavelength < originalLength / highFactor) return f;
            var smooth = (originalLength / wavelength - lowFactor) / (highFactor - lowFactor);
            return (1 - smooth) * f / factor + smooth * f;
        })];

    /// <summary>Frequencies divided by the factor of their pair (longrope).</summary>
    public static double[] Stretched(int headSize, double theta, ReadOnlySpan<double> factors)
    {
        var frequencies = Default(headSize, theta);
        Check.That(factors.Length == frequencies.Length, $"{factors.Length} factors for {frequencies.Length} pairs");
        for (var i = 0; i < factors.Length; i++) frequencies[i] /= factors[i];
        return frequencies;
    }

    /// <summary>longrope's factor of cos and sin for a context that grew <paramref name="factor"/> times from <paramref name="originalLength"/>.</summary>
    public static double LongRopeScale(double factor, double originalLength) => factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(originalLength));

    public static double[] Yarn(int headSize, double theta, double factor, double originalLength,
        double betaFast = 32, double betaSlow = 1, bool truncate = true)
    {
        double Turn(double beta) => headSize * Math.Log(originalLength / (2 * Math.PI * beta)) / (2 * Math.Log(theta));
        var (low, high) = (Turn(betaFast), Turn(betaSlow));
        if (truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, headSize - 1));
        if (low == high) high += 0.001;
        return [.. Default(headSize, theta).Select((f, i) =>
        {
            var ramp = Math.Clamp((i - low) / (high - low), 0, 1);
            return f / factor * ramp + f * (1 - ramp);
        })];
    }
}
