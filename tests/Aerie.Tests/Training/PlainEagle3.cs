// The definition of an EAGLE-3 step, in the plainest way: every step over every slot of the padded grid, float64, tables of bools for masks,
// no compaction, no sharing, no chunks. The trainer must give the same numbers (EquivalenceTests).
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Training;

namespace Aerie.Tests.Training;

sealed class PlainEagle3(Eagle3Config config, DraftVocabulary vocabulary, IReadOnlyDictionary<string, double[]> weights, Eagle3Settings settings)
{
    internal sealed record Result(double Loss, double[] StepLoss, long[] Valid, long[] Counted, long[] Correct, long[] PrefixHits, long[] PrefixValid, double[] Acceptance);

    /// <summary>The drafter's tensors by their names on disk.</summary>
    internal static Dictionary<string, double[]> WeightsOf(Eagle3 drafter)
    {
        var weights = drafter.Parts.ToDictionary(p => p.Name, p => Doubles(p.Of(p.Parameter.Value).ToArray()));
        weights.TryAdd("embed_tokens.weight", Doubles(drafter.Embedding.Value.ToArray()));
        return weights;
    }

    internal Result Run(Eagle3Batch batch)
    {
        var (rows, length, steps) = (batch.Rows, batch.Length, settings.TttSteps);
        var n = rows * length;
        var offset = batch.Frame == Eagle3Frame.Document ? 1 : 0;
        var aux = Split(batch.AuxHiddenStates.ToArray(), n);
        var document = Documents(batch);
        bool Real(int p) => batch.AttentionMask.IsEmpty || batch.AttentionMask.Span[p];
        int At(int t, int shift) => t % length + shift < length ? t + shift : -1;
        bool Mask(int p) => p >= 0 && batch.LossMask.Span[p] && !(settings.Mask == MaskSemantics.SpecForge && IsLastReal(p));
        bool IsLastReal(int p) => Real(p) && Enumerable.Range(p + 1, length - 1 - p % length).All(q => !Real(q));
        bool SameDocument(int t, int p) => p >= 0 && document[t] >= 0 && document[p] == document[t];
        bool Gate(int t, int k) => settings.Mask switch
        {
            MaskSemantics.AutoModel => SameDocument(t, At(t, k + 1)) && Mask(At(t, k + offset)),
            MaskSemantics.SpecForge => SameDocument(t, At(t, k + 1)) && Mask(At(t, k)),
            _ => SameDocument(t, At(t, k + 2)) && Mask(At(t, k + offset)) && Mask(At(t, k + offset + 1)),
        };
        bool Visible(int t, int j, int k)
        {
            if (j > t || document[t] < 0 || document[j] != document[t] || (batch.Documents is null && !Real(j))) return false;
            return config.SlidingWindow is not { } window || Enumerable.Range(j + 1, t - j).Count(i => batch.Documents is not null || Real(i)) + k < window;
        }
        var positions = batch.PositionIds.IsEmpty ? [.. Enumerable.Range(0, n).Select(t => t - Array.IndexOf(document, document[t]))] : batch.PositionIds.ToArray();
        var (probabilities, mass, target) = Teach(batch, n);

        var state = Enumerable.Range(0, n).Select(t => Project(aux[t])).ToArray();
        List<double[][]> keys = [], values = [];
        double[] stepLoss = new double[steps], acceptance = new double[steps];
        long[] valid = new long[steps], counted = new long[steps], correct = new long[steps], hits = new long[steps], prefixes = new long[steps];
        bool[] alive = [.. Enumerable.Repeat(true, n)], supervisedSoFar = [.. alive];
        for (var k = 0; k < steps; k++)
        {
            var input = Enumerable.Range(0, n).Select(t => Input(At(t, k + offset) is >= 0 and var u ? batch.InputIds.Span[u] : 0, state[t])).ToArray();
            double[][] Heads(string name, bool rotate) => [.. Enumerable.Range(0, n).Select(t => Linear($"layers.0.self_attn.{name}_proj", input[t].Row) is var y && rotate ? Rotate(y, positions[t] + k) : y)];
            var queries = Heads("q", true);
            keys.Add(Heads("k", true));
            values.Add(Heads("v", false));
            for (var t = 0; t < n; t++)
            {
                List<(double[] Key, double[] Value)> seen = [.. Enumerable.Range(0, n).Where(j => Visible(t, j, k)).Select(j => (keys[0][j], values[0][j]))];
                for (var i = 1; i <= k; i++) seen.Add((keys[i][t], values[i][t]));
                var residual = Add(config.NormBeforeResidual ? input[t].Normed : state[t], Linear("layers.0.self_attn.o_proj", Attend(queries[t], seen)));
                var y = Norm(residual, "layers.0.post_attention_layernorm.weight");
                var (gate, up) = (Linear("layers.0.mlp.gate_proj", y), Linear("layers.0.mlp.up_proj", y));
                state[t] = Add(residual, Linear("layers.0.mlp.down_proj", [.. gate.Zip(up, (g, v) => g / (1 + Math.Exp(-g)) * v)]));
                if (config.NormOutput) state[t] = Norm(state[t], "norm.weight");
            }
            double entropy = 0, accepted = 0, logs = 0;
            for (var t = 0; t < n; t++)
            {
                var gated = Gate(t, k);
                if (gated) counted[k]++;
                if (supervisedSoFar[t] &= gated) prefixes[k]++;
                var u = At(t, k + offset);
                var hit = false;
                if (gated && target[u] >= 0)
                {
                    valid[k]++;
                    var logits = Linear("lm_head", config.NormOutput || !config.NormedLogits ? state[t] : Norm(state[t], "norm.weight"));
                    var q = Softmax(logits);
                    entropy -= probabilities[u].Zip(q, (p, v) => p * Math.Log(v)).Sum();
                    var a = probabilities[u].Zip(q, (p, v) => Math.Min(mass[u] * p, v)).Sum();
                    accepted += a;
                    if (a > 0) logs += Math.Log(a);
                    hit = Array.IndexOf(logits, logits.Max()) == target[u];
                }
                if (hit) correct[k]++;
                if (alive[t] &= hit) hits[k]++;
            }
            var supervised = Math.Max(1, valid[k]);
            var specforge = settings.Normalization == LossNormalization.SpecForge;
            var mean = entropy / (specforge ? n : supervised);
            acceptance[k] = accepted / supervised;
            var w = settings.LkScale * Math.Exp(-settings.LkDecay * acceptance[k]);
            stepLoss[k] = settings.Lk switch { LkLoss.Alpha => -logs / supervised, LkLoss.Lambda => valid[k] == 0 && !specforge ? 0 : w * mean + (1 - w) * (1 - acceptance[k]), _ => mean };
        }
        var factors = Enumerable.Range(0, steps).Select(k => Math.Pow(settings.LossDecay, k)).ToArray();
        var loss = stepLoss.Zip(factors, (l, f) => l * f).Sum() / (settings.Normalization == LossNormalization.SpecForge ? 1 : factors.Sum());
        return new(loss, stepLoss, valid, counted, correct, hits, prefixes, acceptance);
    }

    // p over the draft vocabulary, the share of the full softmax in it (SpecForge), and the draft id of the target's choice (-1: none).
    (double[][] Probabilities, double[] Mass, int[] Target) Teach(Eagle3Batch batch, int n)
    {
        var (all, mass, target) = (new double[n][], new double[n], new int[n]);
        var ids = vocabulary.SelectedIds.ToArray();
        for (var u = 0; u < n; u++)
        {
            if (batch.Teacher is TargetProbabilities given)
            {
                all[u] = Split(given.Probabilities.ToArray(), n)[u];
                (mass[u], target[u]) = (1, given.PositionMask.Span[u] ? Array.IndexOf(all[u], all[u].Max()) : -1);
                continue;
            }
            var logits = batch.Teacher is TargetHiddenStates states
                ? Multiply(Doubles(states.Head.Value.ToArray()), Split(states.LastHidden.ToArray(), n)[u])
                : Split(((TargetLogits)batch.Teacher).Logits.ToArray(), n)[u];
            var full = Softmax(logits);
            all[u] = Softmax([.. ids.Select(id => logits[id])]);
            mass[u] = settings.Mask == MaskSemantics.SpecForge ? ids.Sum(id => full[id]) : 1;
            target[u] = Array.IndexOf(ids, Array.IndexOf(logits, logits.Max()));
        }
        return (all, mass, target);
    }

    static int[] Documents(Eagle3Batch batch)
    {
        var of = new int[batch.Rows * batch.Length];
        var next = 0;
        for (var row = 0; row < batch.Rows; row++)
        {
            List<int> members = batch.Documents is null ? [.. Enumerable.Repeat(next++, batch.Length)] : [];
            if (batch.Documents is not null)
                foreach (var length in batch.Documents[row]) members.AddRange(Enumerable.Repeat(next++, length));
            for (var i = 0; i < batch.Length; i++) of[row * batch.Length + i] = i < members.Count ? members[i] : -1;
        }
        return of;
    }

    double[] Project(double[] aux)
    {
        if (config.NormBeforeFc) aux = Norm(aux, "input_norm.weight");
        if (config.FcNorm) aux = [.. aux.Chunk(config.TargetHiddenSize).SelectMany((chunk, i) => Norm(chunk, $"fc_norm.{i}.weight"))];
        return Multiply(weights["fc.weight"], aux);
    }

    (double[] Row, double[] Normed) Input(int id, double[] hidden)
    {
        var e = Norm(weights["embed_tokens.weight"].AsSpan(id * config.HiddenSize, config.HiddenSize).ToArray(), "layers.0.input_layernorm.weight");
        var g = Norm(hidden, "layers.0.hidden_norm.weight");
        return ([.. e, .. g], g);
    }

    double[] Attend(double[] query, List<(double[] Key, double[] Value)> seen)
    {
        var d = config.HeadSize;
        var y = new double[config.Heads * d];
        for (var head = 0; seen.Count > 0 && head < config.Heads; head++)
        {
            var shared = head / (config.Heads / config.KeyValueHeads) * d;
            var p = Softmax([.. seen.Select(s => Enumerable.Range(0, d).Sum(i => query[head * d + i] * s.Key[shared + i]) / Math.Sqrt(d))]);
            for (var i = 0; i < d; i++) y[head * d + i] = seen.Select((s, j) => p[j] * s.Value[shared + i]).Sum();
        }
        return y;
    }

    double[] Rotate(double[] x, int position)
    {
        var (d, y) = (config.HeadSize, (double[])x.Clone());
        for (var head = 0; head < x.Length; head += d)
        {
            for (var i = 0; i < d / 2; i++)
            {
                var angle = position * Math.Pow(config.Rope.Theta, -2.0 * i / d);
                var (a, b) = (x[head + i], x[head + i + d / 2]);
                y[head + i] = a * Math.Cos(angle) - b * Math.Sin(angle);
                y[head + i + d / 2] = b * Math.Cos(angle) + a * Math.Sin(angle);
            }
        }
        return y;
    }

    double[] Linear(string name, double[] x)
    {
        var y = Multiply(weights[name + ".weight"], x);
        return weights.TryGetValue(name + ".bias", out var bias) ? Add(y, bias) : y;
    }

    double[] Norm(double[] x, string name)
    {
        var scale = 1 / Math.Sqrt(x.Average(v => v * v) + config.RmsNormEps);
        return [.. x.Zip(weights[name], (v, w) => v * scale * w)];
    }

    static double[] Multiply(double[] matrix, double[] x)
    {
        var y = new double[matrix.Length / x.Length];
        for (var row = 0; row < y.Length; row++)
            for (var i = 0; i < x.Length; i++) y[row] += matrix[row * x.Length + i] * x[i];
        return y;
    }

    static double[] Softmax(double[] z)
    {
        var max = z.Max();
        var e = Array.ConvertAll(z, v => Math.Exp(v - max));
        var sum = e.Sum();
        return Array.ConvertAll(e, v => v / sum);
    }

    static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);

    static double[][] Split(float[] values, int rows) => [.. Doubles(values).Chunk(values.Length / rows)];
}
