// One optimizer update over a window of micro-batches:
//   g = mean over the window of d loss / d parameter      norm = |g|      g <- g min(1, max / (norm + 1e-6))      AdamW with this update's rate
// A loss or gradient that is not finite stops before anything is changed.
using Aerie.Drafters;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>What an update did.</summary>
/// <param name="Step">Updates done, this one included.</param>
/// <param name="Loss">Mean loss of the window's micro-batches.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="LearningRate">The rate used.</param>
/// <param name="Metrics">The window's figures together.</param>
public sealed record TrainingUpdate(int Step, double Loss, double GradientNorm, double LearningRate, Eagle3StepMetrics Metrics)
{
    /// <summary>Computes the gradients of the batches and updates the drafter.</summary>
    /// <exception cref="NonFiniteException">A loss or gradient is not finite; weights and moments are untouched.</exception>
    public static TrainingUpdate Run(Eagle3Trainer trainer, AdamW optimizer, IEnumerable<Eagle3Batch> window, double learningRate, double maxNorm)
    {
        var metrics = new List<Eagle3StepMetrics>();
        foreach (var batch in window)
        {
            metrics.Add(trainer.Step(batch));
            if (!double.IsFinite(metrics[^1].Loss)) throw Stop(optimizer, $"micro-batch {metrics.Count - 1}: {WhichLoss(trainer, batch, metrics[^1])}");
        }
        if (metrics.Count == 0) throw new ArgumentException("a window without batches");
        var scale = 1.0 / metrics.Count;
        var norm = optimizer.GradientNorm(scale);
        if (!double.IsFinite(norm)) throw Stop(optimizer, $"the gradient of {WhichGradient(trainer.Drafter)} is not finite");
        optimizer.Update(learningRate, norm, scale, maxNorm);
        var together = Eagle3StepMetrics.Together(metrics);
        return new(optimizer.Step, together.Loss, norm, learningRate, together);
    }

    static NonFiniteException Stop(AdamW optimizer, string what)
    {
        optimizer.ClearGradients();
        return new NonFiniteException(optimizer.Step + 1, what);
    }

    // From the input on: the first tensor that has a value that is not finite is the cause.
    static string WhichLoss(Eagle3Trainer trainer, Eagle3Batch batch, Eagle3StepMetrics metrics)
    {
        var k = metrics.StepLosses.TakeWhile(double.IsFinite).Count();
        var loss = $"the loss of TTT step {k} is {(double.IsNaN(metrics.StepLosses[Math.Min(k, metrics.StepLosses.Count - 1)]) ? "not a number" : "infinite")}";
        var teacher = batch.Teacher switch { TargetLogits t => ("target_logits", t.Logits), TargetHiddenStates t => ("target_last_hidden", t.LastHidden), TargetProbabilities t => ("target_probs", t.Probabilities), _ => default };
        foreach (var (name, tensor) in ((string, Tensor)[])[("aux_hidden_states", batch.AuxHiddenStates), teacher, .. trainer.Drafter.Parts.Select(p => (p.Name, p.Of(p.Parameter.Value)))])
            if (!IsFinite(tensor)) return $"{loss}: {name} has values that are not finite";
        return $"{loss}: logits.{k} overflowed";
    }

    static string WhichGradient(Eagle3 drafter)
        => drafter.Parts.FirstOrDefault(p => p.Parameter.Gradient is { } g && !IsFinite(p.Of(g))).Name ?? "the drafter";

    static bool IsFinite(Tensor tensor) => Array.TrueForAll(tensor.ToArray(), float.IsFinite);
}

/// <summary>Training met a number that is not finite and stopped before the update.</summary>
public sealed class NonFiniteException(int step, string what)
    : AerieException($"step {step}: {what}.", "Nothing was updated and the last checkpoint is intact. A lower optimizer.lr, a longer warm-up or precision f32 usually helps; so does a look at the data of this step.")
{
    /// <summary>The update that was not done (1 for the first).</summary>
    public int Step { get; } = step;
}
