// Kind `training_run`: a whole optimizer run over recorded micro-batches: loss, norm and rate of every update, weights and moments at the end.
using Aerie.Formats;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Parity.Kinds;

static class TrainingRun
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder) => Run(folder, Kernels.Cpu);

    internal static IEnumerable<ParityResult> Run(CaseFolder folder, IKernels kernels)
    {
        using var run = new Eagle3Case(folder, "micro_batches.safetensors");
        using var expected = SafetensorsFolder.Open(folder.File("expected.safetensors"));
        using var trainer = new Eagle3Trainer(run.Drafter, run.Settings, kernels);
        if (folder.Flag("freeze_lm_head")) throw folder.NotSupported("training with a frozen lm_head");
        using var optimizer = run.Computed(() => Optimizer(folder, kernels, run));
        var updates = run.Computed(() => Updates(folder, run, trainer, optimizer).ToList());

        yield return folder.Compare("loss", [.. updates.Select(u => (float)u.Loss)], expected.ReadFloat32("loss"));
        yield return folder.Compare("grad_norm", [.. updates.Select(u => (float)u.GradientNorm)], expected.ReadFloat32("grad_norm"));
        yield return folder.Compare("lr", [.. updates.Select(u => (float)u.LearningRate)], expected.ReadFloat32("lr"));
        foreach (var part in run.Drafter.Parts)
        {
            var i = optimizer.Parameters.ToList().IndexOf(part.Parameter);
            if (i < 0) continue;
            foreach (var (name, tensor) in ((string, Tensor)[])[("final", part.Parameter.Value), ("exp_avg", optimizer.FirstMoments[i]), ("exp_avg_sq", optimizer.SecondMoments[i])])
                yield return folder.Compare($"{name}.{part.Name}", part.Of(tensor).ToArray(), expected.ReadFloat32($"{name}.{part.Name}"));
        }
    }

    static AdamW Optimizer(CaseFolder folder, IKernels kernels, Eagle3Case run)
    {
        var adamw = folder.Parameters.GetProperty("optimizer");
        if (adamw.TryGetProperty("name", out var name) && name.GetString() is not "adamw" and var other) throw folder.NotSupported($"the optimizer `{other}`");
        var betas = adamw.GetProperty("betas");
        return new(kernels, run.Drafter.Parameters,
            new AdamWSettings(betas[0].GetDouble(), betas[1].GetDouble(), adamw.GetProperty("eps").GetDouble(), adamw.GetProperty("weight_decay").GetDouble()));
    }

    static IEnumerable<TrainingUpdate> Updates(CaseFolder folder, Eagle3Case run, Eagle3Trainer trainer, AdamW optimizer)
    {
        var schedule = Schedule(folder, folder.Parameters.GetProperty("optimizer").GetProperty("lr").GetDouble());
        var batches = new Dictionary<int, Eagle3Batch>();
        foreach (var window in folder.Parameters.GetProperty("windows").EnumerateArray())
        {
            var members = window.EnumerateArray().Select(i => i.GetInt32()).Select(i => batches.TryGetValue(i, out var batch) ? batch : batches[i] = run.Batch(i));
            yield return TrainingUpdate.Run(trainer, optimizer, members, schedule.At(optimizer.Step), folder.Number("max_grad_norm"));
        }
    }

    static LearningRateSchedule Schedule(CaseFolder folder, double peak)
    {
        var s = folder.Parameters.GetProperty("schedule");
        double Number(string name, double otherwise) => s.TryGetProperty(name, out var v) ? v.GetDouble() : otherwise;
        var total = s.GetProperty("total_steps").GetInt32();
        var warmup = (s.GetProperty("warmup_steps").GetInt32() + 0.5) / total;     // as a share that is cut to that many steps
        return s.GetProperty("kind").GetString() switch
        {
            "automodel" => LearningRateSchedule.AutoModel(peak, total, warmup, Number("min_lr_ratio", 0)),
            "specforge_cosine" => LearningRateSchedule.SpecForgeCosine(peak, total, warmup, Number("handoff_factor", 1)),
            "specforge_constant" => LearningRateSchedule.SpecForgeConstant(peak, total, warmup),
            var kind => throw folder.NotSupported($"the schedule `{kind}`"),
        };
    }
}
