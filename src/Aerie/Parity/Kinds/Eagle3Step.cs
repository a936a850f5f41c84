// Kind `eagle3_step`: one training step of an EAGLE-3 drafter: losses, counts, states, logits and the gradient of every parameter.
using Aerie.Formats;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Parity.Kinds;

static class Eagle3Step
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder) => Run(folder, Kernels.Cpu);

    internal static IEnumerable<ParityResult> Run(CaseFolder folder, IKernels kernels)
    {
        using var step = new Eagle3Case(folder, "batch.safetensors");
        using var expected = SafetensorsFolder.Open(folder.File("expected.safetensors"));
        using var trainer = new Eagle3Trainer(step.Drafter, step.Settings, kernels);
        var seen = new Dictionary<string, Rows>();
        trainer.Observe = (name, k, tensor, positions) =>
        {
            seen[k < 0 ? name : $"{name}.{k}"] = Copy(tensor, positions);
            if (name == "head") seen[$"logits.{k}"] = Copy(Logits(kernels, step.Drafter.Head, tensor), positions);
        };
        var metrics = step.Computed(() => trainer.Step(step.Batch()));
        foreach (var entry in expected.Entries.OrderBy(e => e.Name, StringComparer.Ordinal))
            yield return Compare(folder, step, expected, entry, metrics, seen);
    }

    static ParityResult Compare(CaseFolder folder, Eagle3Case step, SafetensorsFolder expected, SafetensorsEntry entry, Eagle3StepMetrics metrics, Dictionary<string, Rows> seen)
    {
        var name = entry.Name;
        var (stem, k) = name.LastIndexOf('.') is > 0 and var dot && int.TryParse(name[(dot + 1)..], out var number) ? (name[..dot], number) : (name, -1);
        if (name.StartsWith("grad.", StringComparison.Ordinal))
        {
            var part = step.Drafter.Parts.FirstOrDefault(p => p.Name == name["grad.".Length..]);
            return part.Parameter?.Gradient is { } gradient ? folder.Compare(name, part.Of(gradient).ToArray(), expected.ReadFloat32(name)) : ParityResult.Wrong(name, "no such gradient");
        }
        switch (stem)
        {
            case "hidden" or "logits":
                return CompareRows(folder, expected, name, seen.GetValueOrDefault(name), p => IsSet(expected, $"supervised.{k}", p), all: true);
            case "projected":
                return CompareRows(folder, expected, name, seen.GetValueOrDefault(name), p => IsSet(expected, "attended", p), all: false);
            case "supervised":
                var supervised = new bool[entry.Count];
                foreach (var p in seen.GetValueOrDefault($"head.{k}")?.Positions ?? []) supervised[p] = true;
                return folder.Compare(name, supervised, Array.ConvertAll(Eagle3Case.ReadWhole(expected, name), n => n != 0));
            case "attended":
                return ParityResult.NotChecked(name, "says where `projected` is compared");
        }
        return Float(stem, k, metrics) is { } value ? folder.Compare(name, [(float)value], expected.ReadFloat32(name))
            : Count(stem, k, metrics) is { } count ? CompareCount(folder, name, count, Eagle3Case.ReadWhole(expected, name)[0])
            : ParityResult.Wrong(name, "a quantity that this version does not know");
    }

    static double? Float(string stem, int k, Eagle3StepMetrics m) => stem switch
    {
        "loss" => m.Loss,
        "accuracy" => m.Accuracy,
        "tau_sim" => m.SimulatedTau,
        "simulated_acc_len" => m.SimulatedAcceptanceLength,
        "step_loss" => m.StepLosses[k],
        "acceptance" => m.Acceptance[k],
        "step_accuracy" => m.StepAccuracy[k],
        _ => null,
    };

    static long? Count(string stem, int k, Eagle3StepMetrics m) => stem switch
    {
        "valid_tokens" => m.ValidTokens,
        "step_valid" => m.StepValid[k],
        "step_correct" => m.StepCorrect[k],
        "step_counted" => m.StepCounted[k],
        "prefix_hits" => m.PrefixHits[k],
        "prefix_valid" => m.PrefixValid[k],
        _ => null,
    };

    // Advisory cases have tolerances for counts.
    static ParityResult CompareCount(CaseFolder folder, string name, long got, long want)
        => folder.ToleranceOf(name) == Tolerance.Exact ? folder.Compare(name, [got], [want]) : folder.Compare(name, [(double)got], [(double)want]);

    // Rows of [B, T, width] where a mask holds; rows that the trainer does not compute are an error (all) or left out.
    static ParityResult CompareRows(CaseFolder folder, SafetensorsFolder expected, string name, Rows? rows, Func<int, bool> compared, bool all)
    {
        var want = expected.ReadFloat32(name);
        var width = (int)expected.Get(name).Shape[^1];
        List<float> got = [], wanted = [];
        for (var p = 0; p < want.Length / width; p++)
        {
            if (!compared(p)) continue;
            var at = rows is null ? -1 : Array.IndexOf(rows.Positions, p);
            if (at < 0 && all) return ParityResult.Wrong(name, $"slot {p} was not computed");
            if (at < 0) continue;
            got.AddRange(rows!.Values.AsSpan(at * width, width));
            wanted.AddRange(want.AsSpan(p * width, width));
        }
        return folder.Compare(name, got.ToArray(), wanted.ToArray());
    }

    static bool IsSet(SafetensorsFolder expected, string mask, int p) => expected.Bytes(mask)[p] != 0;

    static Rows Copy(Tensor tensor, IReadOnlyList<int> positions) => new([.. positions], tensor.ToArray());

    static Tensor Logits(IKernels kernels, Parameter head, Tensor read)
    {
        var logits = Tensor.Allocate(new Shape(read.Rows, head.Rows));
        kernels.Linear(read, head, null, logits, false);
        return logits;
    }

    sealed record Rows(int[] Positions, float[] Values);
}
