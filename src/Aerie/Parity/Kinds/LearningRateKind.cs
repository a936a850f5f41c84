// Kind `lr_schedule`: the rates of every run; where the original scheduler breaks, the settings must be refused.
using System.Text.Json;
using Aerie.Tensors;

namespace Aerie.Parity.Kinds;

static class LearningRateKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var scheduler = folder.Text("scheduler");
        foreach (var run in folder.ReadJson(folder.Text("expected")).GetProperty("runs").EnumerateArray())
        {
            var name = run.GetProperty("name").GetString()!;
            LearningRateSchedule? schedule = null;
            var refused = "";
            try { schedule = Make(folder, scheduler, run); }
            catch (ArgumentException e) { refused = e.Message; }
            if (run.TryGetProperty("error", out _))
            {
                yield return schedule is null ? new($"{name}: refused", 1, 0, Tolerance.Exact, true) : ParityResult.Wrong(name, "was not refused");
                continue;
            }
            if (schedule is null)
            {
                yield return ParityResult.Wrong(name, refused);
                continue;
            }
            var tolerance = folder.ToleranceOf("lr");
            var steps = Numbers(run, "steps").Select(s => (int)s).ToArray();
            yield return Compare($"{name}: lr", steps, "lr");
            if (run.TryGetProperty("lr_past_the_end", out var past))
                yield return Compare($"{name}: lr_past_the_end", [.. Enumerable.Range(schedule.TotalSteps, past.GetArrayLength())], "lr_past_the_end");
            if (scheduler != "speculators_none" && run.TryGetProperty("warmup_steps", out var warmup))
                yield return folder.Compare($"{name}: warmup_steps", [schedule.WarmupSteps], [warmup.GetInt32()]);

            ParityResult Compare(string what, int[] at, string key) => ParityResult.Compare<double>(what, [.. at.Select(schedule.At)], [.. Numbers(run, key)],
                tolerance, (a, b) => Math.Abs(a - b), Math.Abs);
        }
    }

    static LearningRateSchedule Make(CaseFolder folder, string scheduler, JsonElement run)
    {
        var (peak, total) = (run.GetProperty("peak_lr").GetDouble(), run.GetProperty("total_steps").GetInt32());
        return scheduler switch
        {
            "automodel" => LearningRateSchedule.AutoModel(peak, total, Number(run, "warmup_ratio")!.Value, Number(run, "min_lr_ratio")!.Value),
            "specforge_cosine" => LearningRateSchedule.SpecForgeCosine(peak, total, Number(run, "warmup_ratio")!.Value, Number(run, "handoff_factor") ?? 1),
            "specforge_constant" => LearningRateSchedule.SpecForgeConstant(peak, total, Number(run, "warmup_ratio")!.Value),
            "speculators_linear" => LearningRateSchedule.SpeculatorsLinear(peak, total, (int?)Number(run, "warmup_steps_given"), Number(run, "warmup_ratio")),
            "speculators_cosine" => LearningRateSchedule.SpeculatorsCosine(peak, total, (int?)Number(run, "warmup_steps_given"), Number(run, "warmup_ratio"), Number(run, "num_cycles") ?? 0.5),
            "speculators_none" => LearningRateSchedule.Constant(peak, total),
            _ => throw folder.NotSupported($"the scheduler `{scheduler}`"),
        };
    }

    static double? Number(JsonElement run, string key) => run.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    static IEnumerable<double> Numbers(JsonElement run, string key) => run.GetProperty(key).EnumerateArray().Select(v => v.GetDouble());
}
