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
        var adamw = folder.Parameters.GetProperty("optimizer");
        double Number(string name) => adamw.GetProperty(name).GetDouble();
        var betas = adamw.GetProperty("betas");
        using var optimizer = new AdamW(kernels, run.Drafter.Parameters, new AdamWSettings(betas[0].GetDouble(), betas[1].GetDouble(), Number("eps"), Number("weight_decay")));
        var schedule = Schedule(folder, Number("lr"));
        var batches = new Dictionary<int, Eagle3Batch>();
        var updates = new List<TrainingUpdate>();
        foreach (var window in folder.Parameters.GetProperty("windows").EnumerateArray())
        {
            var members = window.EnumerateArray().Select(i => i.GetInt32()).Select(i => batches.TryGetValue(i, out var batch) ? batch : batches[i] = run.Batch(i));
            updates.Add(TrainingUpdate.Run(trainer, optimizer, members, schedule.At(updates.Count), folder.Number("max_grad_norm")));
        }

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

    static LearningRateSchedule Schedule(CaseFolder folder, double peak)
    {
        var s = folder.Parameters.GetProperty("schedule");
        double Number(string name, double otherwise) => s.TryGetProperty(name, out var v) ? v.GetDouble() : otherwise;
        var (total, warmup) = (s.GetProperty("total_steps").GetInt32(), Number("warmup_ratio", 0));
        return s.GetProperty("kind").GetString() switch
        {
            "automodel" => LearningRateSchedule.AutoModel(peak, total, warmup, Number("min_lr_ratio", 0)),
            "specforge_cosine" => LearningRateSchedule.SpecForgeCosine(peak, total, warmup, Number("handoff_factor", 1)),
            var kind => throw folder.NotSupported($"the schedule `{kind}`"),
        };
    }
}
