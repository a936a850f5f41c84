// cos and sin of position · frequency, computed in float64 from the config, kept in float32; grown when a longer text comes.
// Kinds as in transformers: default, linear, llama3 (Llama 3.1), yarn (Peng et al. 2023, arXiv:2309.00071).
namespace Aerie.Tensors;

/// <summary>Rotation angles of one head size.</summary>
public sealed class RotaryTable : IDisposable
{
    readonly double[] frequencies;
    readonly double attentionScale;

    /// <param name="frequencies">One frequency for each rotated pair (head size / 2).</param>
    /// <param name="attentionScale">Factor of cos and sin (yarn); 1 otherwise.</param>
    public RotaryTable(ReadOnlySpan<double> frequencies, double attentionScale = 1, int positions = 512)
    {
        (this.frequencies, this.attentionScale) = (frequencies.ToArray(), attentionScale);
        Cos = Sin = null!;
        Grow(positions);
    }

    public int HeadSize => frequencies.Length * 2;

    /// <summary>Positions that the table covers.</summary>
    public int Positions { get; private set; }

    /// <summary>[positions, head size / 2], f32.</summary>
    internal Tensor Cos { get; private set; }
    internal Tensor Sin { get; private set; }

    /// <summary>Makes sure that positions 0 .. n-1 are covered. To be called before kernels run, not while.</summary>
    public void Grow(int n)
    {
        if (n <= Positions) return;
        n = Math.Max(n, Positions * 2);
        var half = frequencies.Length;
        var (cos, sin) = (Tensor.Allocate(new Shape(n, half)), Tensor.Allocate(new Shape(n, half)));
        for (var p = 0; p < n; p++)
        {
            var c = cos.Row(p);
            var s = sin.Row(p);
            for (var i = 0; i < half; i++)
            {
                c[i] = (float)(attentionScale * Math.Cos(p * frequencies[i]));
                s[i] = (float)(attentionScale * Math.Sin(p * frequencies[i]));
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
