// AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) as torch computes it, on fp32 master weights with fp32 moments:
//   P ← P (1 − lr·decay)     m ← b1 m + (1−b1) g     v ← b2 v + (1−b2) g²     P ← P − lr · m̂ / (sqrt(v̂) + eps)
// and clipping by the global norm: g ← g · min(1, max / (norm + 1e-6)).
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>One update. gradient is multiplied by <paramref name="scale"/> (accumulation and clipping) on the way, and cleared.</summary>
    void AdamW(Tensor value, Tensor gradient, Tensor m, Tensor v, float scale, AdamWUpdate update);

    /// <summary>Σ x², in float64, in an order that does not depend on the number of threads.</summary>
    double SumOfSquares(Tensor x);
}

/// <summary>The numbers of one update; corrections are 1 − b^(s+1).</summary>
public readonly record struct AdamWUpdate(double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay, double Correction1, double Correction2);

public sealed record AdamWSettings(double Beta1 = 0.9, double Beta2 = 0.95, double Epsilon = 1e-8, double WeightDecay = 0);

/// <summary>Moments and updates of a list of trainable parameters. Owner of the moments.</summary>
public sealed class AdamW : IDisposable
{
    readonly IKernels kernels;
    readonly AdamWSettings settings;

    public AdamW(IKernels kernels, IEnumerable<Parameter> parameters, AdamWSettings settings)
    {
        (this.kernels, this.settings) = (kernels, settings);
        Parameters = [.. parameters.Where(p => p.Trainable)];
        FirstMoments = [.. Parameters.Select(p => Tensor.Allocate(p.Value.Shape))];
        SecondMoments = [.. Parameters.Select(p => Tensor.Allocate(p.Value.Shape))];
    }

    public IReadOnlyList<Parameter> Parameters { get; }
    public IReadOnlyList<Tensor> FirstMoments { get; }
    public IReadOnlyList<Tensor> SecondMoments { get; }

    /// <summary>Updates done. Set when a checkpoint is restored.</summary>
    public int Step { get; set; }

    /// <summary>Norm of all gradients times <paramref name="scale"/> (1 / micro-batches), before clipping. Not finite: nothing may be updated.</summary>
    public double GradientNorm(double scale) => Math.Sqrt(Parameters.Sum(p => kernels.SumOfSquares(p.Gradient!))) * scale;

    /// <summary>The first parameter whose gradient has a value that is not finite, or null.</summary>
    public Parameter? FirstNonFinite() => Parameters.FirstOrDefault(p => !double.IsFinite(kernels.SumOfSquares(p.Gradient!)));

    /// <summary>Clips, updates and clears the gradients.</summary>
    public void Update(double learningRate, double gradientNorm, double scale, double maxNorm)
    {
        Step++;
        var clip = Math.Min(1, maxNorm / (gradientNorm + 1e-6));
        var update = new AdamWUpdate(learningRate, settings.Beta1, settings.Beta2, settings.Epsilon, settings.WeightDecay,
            1 - Math.Pow(settings.Beta1, Step), 1 - Math.Pow(settings.Beta2, Step));
        for (var i = 0; i < Parameters.Count; i++)
        {
            var p = Parameters[i];
            kernels.AdamW(p.Value, p.Gradient!, FirstMoments[i], SecondMoments[i], (float)(scale * clip), update);
            p.MarkChanged();
        }
    }

    public void ClearGradients()
    {
        foreach (var p in Parameters) p.Gradient!.Clear();
    }

    public void Dispose()
    {
        foreach (var moment in FirstMoments.Concat(SecondMoments)) moment.Dispose();
    }
}
