// A run: epochs of windows of micro-batches, one update each; a window ends with the epoch. Log lines, validation, checkpoints.
// The state between two updates is (weights, moments, TrainingState) and nothing else, so a run that continues is the run that never stopped.
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>Where micro-batches come from. The same (epoch, index) gives the same batch, always.</summary>
public interface ITrainingData
{
    /// <summary>Micro-batches of an epoch.</summary>
    int MicroBatches(int epoch);

    /// <summary>One of them; the loop disposes it.</summary>
    Eagle3Batch Load(int epoch, int index);
}

/// <summary>How long, how fast, how often.</summary>
public sealed record TrainingPlan
{
    /// <summary>Passes over the data.</summary>
    public required int Epochs { get; init; }

    /// <summary>Micro-batches per update.</summary>
    public int Accumulation { get; init; } = 1;

    /// <summary>Gradients are scaled down to this norm.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>The rate's peak, for the record.</summary>
    public double PeakLearningRate { get; init; }

    /// <summary>The rate of update s (from 0) of a run of N updates: (s, N) -> rate.</summary>
    public required Func<int, int, double> LearningRate { get; init; }

    /// <summary>Updates between two log lines.</summary>
    public int LogEverySteps { get; init; } = 10;

    /// <summary>Updates between two checkpoints; null: only at the end.</summary>
    public int? CheckpointEverySteps { get; init; }

    /// <summary>A checkpoint after every epoch.</summary>
    public bool CheckpointEveryEpoch { get; init; }

    /// <summary>Type of the weights in model.safetensors.</summary>
    public DType SavedWeights { get; init; } = DType.F32;

    /// <summary>For the record.</summary>
    public long Seed { get; init; }

    /// <summary>Fingerprint of the target.</summary>
    public required string Target { get; init; }
}

/// <summary>One training run.</summary>
/// <param name="trainer">The drafter's trainer.</param>
/// <param name="optimizer">The drafter's optimizer.</param>
/// <param name="data">Training data.</param>
/// <param name="plan">The plan.</param>
/// <param name="folder">Where logs and checkpoints go; null: nowhere.</param>
/// <param name="validation">Validated after every epoch; null: not.</param>
public sealed class TrainingLoop(Eagle3Trainer trainer, AdamW optimizer, ITrainingData data, TrainingPlan plan, RunFolder? folder = null, ITrainingData? validation = null)
{
    /// <summary>Receives the log lines.</summary>
    public Action<string>? Say { get; init; }

    /// <summary>Receives how far the run is, after every update.</summary>
    public Action<Progress>? Report { get; init; }

    /// <summary>Receives every update.</summary>
    public Action<TrainingUpdate>? Updated { get; init; }

    /// <summary>Runs to the end, or until cancelled: then the update is finished, a checkpoint is saved, and <see cref="OperationCanceledException"/> is thrown.</summary>
    /// <param name="from">Null: from the beginning. Else what <see cref="Checkpoint.Restore"/> gave.</param>
    /// <param name="cancellation">Asks to stop.</param>
    /// <returns>The state at the end.</returns>
    /// <exception cref="NonFiniteException">A loss or gradient is not finite.</exception>
    public TrainingState Run(TrainingState? from = null, CancellationToken cancellation = default)
    {
        var total = Enumerable.Range(0, plan.Epochs).Sum(e => (data.MicroBatches(e) + plan.Accumulation - 1) / plan.Accumulation);
        if (total == 0) throw new AerieException("there is nothing to train on: the training data has no supervised text.", "Check recipe_args.train_data_path and train_split.");
        var state = from ?? new TrainingState(0, 0, 0, 0, total, plan.PeakLearningRate, plan.Seed, plan.Target, 0);
        if (from is not null) RefuseOtherRun(from, total);
        var clock = Stopwatch.StartNew();
        long tokens = 0;
        while (state.Epoch < plan.Epochs)
        {
            var epoch = state.Epoch;
            var count = data.MicroBatches(epoch);
            if (count == 0)
            {
                state = state with { Epoch = epoch + 1 };
                continue;
            }
            var size = Math.Min(plan.Accumulation, count - state.MicroBatch);
            var update = TrainingUpdate.Run(trainer, optimizer, Window(epoch, state.MicroBatch, size, t => tokens += t), plan.LearningRate(state.Step, state.TotalSteps), plan.MaxGradNorm);
            var next = state.MicroBatch + size;
            var ends = next == count;
            state = state with { Epoch = ends ? epoch + 1 : epoch, MicroBatch = ends ? 0 : next, MicroBatches = ends ? 0 : count, Step = update.Step };
            Updated?.Invoke(update);
            Report?.Invoke(new Progress("train", update.Step, total, string.Create(CultureInfo.InvariantCulture, $"loss {update.Loss:0.000}")));
            if (update.Step % plan.LogEverySteps == 0 || state.Epoch == plan.Epochs)
            {
                Log(epoch, update, tokens / Math.Max(1e-9, clock.Elapsed.TotalSeconds));
                tokens = 0;
                clock.Restart();
            }
            var best = false;
            if (ends && validation is not null && validation.MicroBatches(0) > 0)
            {
                var metrics = Validate(epoch, update.Step);
                best = metrics.SimulatedTau > state.BestTau;
                if (best) state = state with { BestTau = metrics.SimulatedTau };
                clock.Restart();
            }
            var stop = cancellation.IsCancellationRequested && state.Epoch < plan.Epochs;
            if (stop || best || state.Epoch == plan.Epochs || (ends && plan.CheckpointEveryEpoch) || (plan.CheckpointEverySteps is { } every && update.Step % every == 0))
                folder?.Save(epoch, update.Step, best, path => Checkpoint.Write(path, trainer.Drafter, optimizer, state, plan.SavedWeights));
            if (stop) cancellation.ThrowIfCancellationRequested();
        }
        return state;
    }

    /// <summary>The figures of the validation data: mean loss, pooled counts.</summary>
    public Eagle3StepMetrics Validate(int epoch = 0, int step = 0)
    {
        var metrics = new List<Eagle3StepMetrics>();
        for (var i = 0; i < validation!.MicroBatches(0); i++)
        {
            using var batch = validation.Load(0, i);
            metrics.Add(trainer.Evaluate(batch));
        }
        var together = Eagle3StepMetrics.Together(metrics);
        Say?.Invoke(string.Create(CultureInfo.InvariantCulture, $"[epoch {epoch}] validation | loss {together.Loss:0.0000} | accuracy {together.Accuracy:0.000} | tau_sim {together.SimulatedTau:0.000}"));
        folder?.Log(json =>
        {
            json.WriteNumber("epoch", epoch);
            json.WriteNumber("step", step);
            json.WriteStartObject("validation");
            Write(json, together);
            json.WriteEndObject();
        });
        return together;
    }

    IEnumerable<Eagle3Batch> Window(int epoch, int begin, int count, Action<long> counted)
    {
        for (var i = begin; i < begin + count; i++)
        {
            using var batch = data.Load(epoch, i);
            counted(batch.Tokens);
            yield return batch;
        }
    }

    void Log(int epoch, TrainingUpdate update, double tokensPerSecond)
    {
        Say?.Invoke(RunFolder.LogLine(epoch, update.Step, update.Loss, update.GradientNorm, update.LearningRate, tokensPerSecond));
        folder?.Log(json =>
        {
            json.WriteNumber("epoch", epoch);
            json.WriteNumber("step", update.Step);
            Write(json, update.Metrics);
            json.WriteNumber("grad_norm", update.GradientNorm);
            json.WriteNumber("lr", update.LearningRate);
            json.WriteNumber("tokens_per_second", Math.Round(tokensPerSecond, 1));
        });
    }

    static void Write(Utf8JsonWriter json, Eagle3StepMetrics metrics)
    {
        json.WriteNumber("loss", metrics.Loss);
        json.WriteNumber("accuracy", metrics.Accuracy);
        json.WriteNumber("valid_tokens", metrics.ValidTokens);
        json.WriteNumber("tau_sim", metrics.SimulatedTau);
        foreach (var (name, values) in ((string, IReadOnlyList<double>)[])[("step_loss", metrics.StepLosses), ("step_accuracy", metrics.StepAccuracy), ("acceptance", metrics.Acceptance)])
        {
            json.WriteStartArray(name);
            foreach (var value in values) json.WriteNumberValue(value);
            json.WriteEndArray();
        }
    }

    void RefuseOtherRun(TrainingState from, int total)
    {
        if (from.MicroBatches != 0 && from.Epoch < plan.Epochs && data.MicroBatches(from.Epoch) != from.MicroBatches)
            throw new AerieException($"the checkpoint stopped at micro-batch {from.MicroBatch} of {from.MicroBatches}, but this epoch has {data.MicroBatches(from.Epoch)} now: the data, its split, or the micro-batch size changed.",
                "Continue with the recipe and data of the run, or start a new run with recipe_args.draft_weights_path.");
        if (from.TotalSteps != total || from.PeakLearningRate != plan.PeakLearningRate)
            Say?.Invoke(string.Create(CultureInfo.InvariantCulture, $"continuing with the checkpoint's schedule of {from.TotalSteps} updates (the recipe now has {total})"));
    }
}
