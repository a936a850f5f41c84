// Learning rates of the field's schedulers: N updates, w of them warm-up, peak P, update s = 0, 1, ...
//   automodel             P (s+1)/w   then P (r + (1−r)(1 + cos πx)/2), x = (s−w)/max(1, N−w) in [0, 1]
//   specforge cosine      P (s+1)/w   then P f (1 + cos(π (s−w)/(N−w)))/2;   constant: then P
//   speculators linear    P s/w       then P max(0, (N−s)/max(1, N−w));      cosine: then P max(0, (1 + cos(2πc (s−w)/max(1, N−w)))/2)
// f is 1 as intended; SpecForge as run overshoots by 2 / (1 + cos(π/(N−w))) with current torch.
namespace Aerie.Tensors;

/// <summary>The learning rate of each update: a pure function of its index.</summary>
public sealed class LearningRateSchedule
{
    readonly double peak;
    readonly Func<int, double> warmup, after;

    LearningRateSchedule(double peak, int totalSteps, int warmupSteps, Func<int, double> warmup, Func<int, double> after)
    {
        if (totalSteps < 1) throw new ArgumentOutOfRangeException(nameof(totalSteps), totalSteps, "a schedule needs at least one update");
        if (!double.IsFinite(peak) || peak < 0) throw new ArgumentOutOfRangeException(nameof(peak), peak, "the learning rate must be a finite number that is not negative");
        (this.peak, TotalSteps, WarmupSteps, this.warmup, this.after) = (peak, totalSteps, warmupSteps, warmup, after);
    }

    /// <summary>Updates of the whole run.</summary>
    public int TotalSteps { get; }

    /// <summary>Updates in which the rate rises.</summary>
    public int WarmupSteps { get; }

    /// <summary>The rate that 0-based update <paramref name="step"/> uses.</summary>
    public double At(int step) => peak * (step < WarmupSteps ? warmup(step) : after(step));

    /// <summary>NeMo AutoModel: warm-up, then a cosine to <paramref name="minimumRatio"/> of the peak.</summary>
    public static LearningRateSchedule AutoModel(double peak, int totalSteps, double warmupRatio, double minimumRatio)
    {
        var (n, w) = (totalSteps, Math.Max(1, Share(warmupRatio, totalSteps)));
        return new(peak, n, w, s => (s + 1.0) / w,
            s => minimumRatio + (1 - minimumRatio) * 0.5 * (1 + Math.Cos(Math.PI * Math.Clamp((double)(s - w) / Math.Max(1, n - w), 0, 1))));
    }

    /// <summary>SpecForge: warm-up, then a cosine to 0. <paramref name="handoffFactor"/> multiplies the rates after the warm-up.</summary>
    /// <exception cref="ArgumentException">The warm-up ends with the run: no cosine is left.</exception>
    public static LearningRateSchedule SpecForgeCosine(double peak, int totalSteps, double warmupRatio, double handoffFactor = 1)
    {
        var (n, w) = (totalSteps, Share(warmupRatio, totalSteps));
        if (w == n) throw new ArgumentException($"warm-up takes all {n} updates and leaves none for the cosine; use a warm-up ratio below {warmupRatio}");
        return new(peak, n, w, s => (s + 1.0) / w, s => handoffFactor * 0.5 * (1 + Math.Cos(Math.PI * (s - w) / (n - w))));
    }

    /// <summary>SpecForge: warm-up, then constant.</summary>
    /// <exception cref="ArgumentException">The warm-up takes the whole run.</exception>
    public static LearningRateSchedule SpecForgeConstant(double peak, int totalSteps, double warmupRatio)
    {
        var (n, w) = (totalSteps, Share(warmupRatio, totalSteps));
        if (w >= n) throw new ArgumentException($"warm-up of {w} updates does not fit into {n}; use a warm-up ratio below {warmupRatio}");
        return new(peak, n, w, s => (s + 1.0) / w, _ => 1);
    }

    /// <summary>speculators: warm-up from 0, then linear to 0 at the end. Warm-up: the steps given, else the ratio, else N/100.</summary>
    public static LearningRateSchedule SpeculatorsLinear(double peak, int totalSteps, int? warmupSteps = null, double? warmupRatio = null)
    {
        var (n, w) = (totalSteps, SpeculatorsWarmup(totalSteps, warmupSteps, warmupRatio));
        return new(peak, n, w, s => s / (double)Math.Max(1, w), s => Math.Max(0, (double)(n - s) / Math.Max(1, n - w)));
    }

    /// <summary>speculators: warm-up from 0, then <paramref name="cycles"/> turns of a cosine.</summary>
    public static LearningRateSchedule SpeculatorsCosine(double peak, int totalSteps, int? warmupSteps = null, double? warmupRatio = null, double cycles = 0.5)
    {
        var (n, w) = (totalSteps, SpeculatorsWarmup(totalSteps, warmupSteps, warmupRatio));
        return new(peak, n, w, s => s / (double)Math.Max(1, w),
            s => Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * cycles * 2 * ((double)(s - w) / Math.Max(1, n - w))))));
    }

    /// <summary>The peak, always.</summary>
    public static LearningRateSchedule Constant(double peak, int totalSteps) => new(peak, totalSteps, 0, _ => 1, _ => 1);

    static int SpeculatorsWarmup(int n, int? steps, double? ratio) => steps ?? (ratio is { } r ? Share(r, n) : n / 100);

    static int Share(double ratio, int totalSteps)
        => ratio >= 0 && ratio * totalSteps <= int.MaxValue ? (int)Math.Floor(ratio * totalSteps)
            : throw new ArgumentOutOfRangeException(nameof(ratio), ratio, "the share of warm-up must be a number that is not negative");
}
