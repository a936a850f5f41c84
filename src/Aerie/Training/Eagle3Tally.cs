// Weights of slots before the loss is computed, and counts after it.
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>Gates, loss weights and counts of one batch.</summary>
sealed class Eagle3Tally
{
    readonly Eagle3Settings settings;
    readonly SupervisionRules rules;
    readonly int positions;
    readonly bool[][] gate;
    readonly bool[] alive;                                       // every depth so far was a hit
    readonly double[] losses, acceptance;
    readonly long[] valid, counted, correct, prefixHits, prefixValid;
    int unbroken;                                                // steps that had a supervised slot, without a gap

    internal Eagle3Tally(Eagle3Batch batch, SupervisionRules rules, Eagle3Settings settings)
    {
        (this.settings, this.rules, positions) = (settings, rules, batch.Rows * batch.Length);
        var steps = settings.TttSteps;
        gate = [.. Enumerable.Range(0, steps).Select(k => Enumerable.Range(0, positions).Select(t => rules.Gate(t, k)).ToArray())];
        alive = new bool[positions];
        Array.Fill(alive, true);
        (losses, acceptance) = (new double[steps], new double[steps]);
        // Without a supervised slot SpecForge's lambda has CE = acceptance = 0, hence the constant.
        if (settings is { Lk: LkLoss.Lambda, Normalization: LossNormalization.SpecForge }) Array.Fill(losses, 1 - settings.LkScale);
        (valid, counted, correct) = (new long[steps], new long[steps], new long[steps]);
        (prefixHits, prefixValid) = (new long[steps], new long[steps]);
        var chain = Enumerable.Repeat(true, positions).ToArray();
        for (var k = 0; k < steps; k++)
        {
            for (var t = 0; t < positions; t++)
            {
                if (gate[k][t]) counted[k]++;
                if (chain[t] &= gate[k][t]) prefixValid[k]++;
            }
        }
    }

    internal bool Gate(int t, int k) => gate[k][t];

    /// <summary>Positions that some gated slot learns from, ascending.</summary>
    internal int[] GatedSources()
    {
        var wanted = new bool[positions];
        for (var k = 0; k < gate.Length; k++)
        {
            for (var t = 0; t < positions; t++)
                if (gate[k][t]) wanted[rules.Source(t, k)] = true;
        }
        return [.. Enumerable.Range(0, positions).Where(u => wanted[u])];
    }

    /// <summary>What a supervised slot of step k contributes to the loss: the parts of the loss and one factor for all slots.</summary>
    internal (SoftLoss Parts, float Weight) LossOf(int k, int supervised, double meanAcceptance)
    {
        var mean = settings.StepWeight(k) / supervised;
        // SpecForge divides cross entropies by B·T, acceptances by the number of supervised slots.
        var entropy = settings.Normalization == LossNormalization.SpecForge ? (double)supervised / positions : 1;
        switch (settings.Lk)
        {
            case LkLoss.Alpha:
                return (new SoftLoss(0, 1, 0), (float)mean);
            case LkLoss.Lambda:
                var w = Lambda(meanAcceptance);
                return (new SoftLoss((float)(w * entropy), 0, (float)(1 - w)), (float)mean);
            default:
                return (SoftLoss.Plain, (float)(mean * entropy));
        }
    }

    internal void Add(int k, Eagle3StepRows rows, float[] crossEntropy, float[] accepted, int[] drafted, TeacherRows teacher)
    {
        if (k != unbroken++) Array.Clear(alive);
        var n = rows.Supervised.Length;
        double entropy = 0, sum = 0, logs = 0;
        for (var i = 0; i < n; i++)
        {
            entropy += crossEntropy[i];
            sum += accepted[i];
            if (accepted[i] > 0) logs += Math.Log(accepted[i]);
        }
        (valid[k], acceptance[k]) = (n, sum / n);
        entropy /= settings.Normalization == LossNormalization.SpecForge ? positions : n;
        var w = Lambda(acceptance[k]);
        losses[k] = settings.Lk switch { LkLoss.Alpha => -logs / n, LkLoss.Lambda => w * entropy + (1 - w) * (1 - acceptance[k]), _ => entropy };

        var hit = new bool[positions];
        for (var i = 0; i < n; i++)
        {
            if (drafted[i] != teacher.BestDraftId(rows.Sources[i])) continue;
            hit[rows.Supervised[i]] = true;
            correct[k]++;
        }
        for (var t = 0; t < positions; t++)
            if (alive[t] &= hit[t]) prefixHits[k]++;
    }

    internal Eagle3StepMetrics Metrics() => new()
    {
        Loss = losses.Select((loss, k) => loss * settings.StepWeight(k)).Sum(),
        StepLosses = losses,
        Acceptance = acceptance,
        StepAccuracy = [.. correct.Zip(settings.Mask == MaskSemantics.AutoModel ? valid : counted, (hits, of) => (double)hits / Math.Max(1, of))],
        StepValid = valid,
        StepCounted = counted,
        StepCorrect = correct,
        PrefixHits = prefixHits,
        PrefixValid = prefixValid,
    };

    double Lambda(double meanAcceptance) => settings.LkScale * Math.Exp(-settings.LkDecay * meanAcceptance);
}
