// What an EAGLE-3 step is asked to minimise. The field disagrees about masks and normalisation; every choice has a name here.
namespace Aerie.Training;

/// <summary>Which slots are supervised at which step.</summary>
public enum MaskSemantics
{
    /// <summary>The embedded token x[t+1+k] and the predicted position t+2+k are both supervised text of the same document.</summary>
    Text,
    /// <summary>NeMo AutoModel: the embedded token x[t+1+k] is.</summary>
    AutoModel,
    /// <summary>SpecForge: x[t+k] is (its mask is not shifted), and no row's last real token.</summary>
    SpecForge,
}

/// <summary>How losses of slots and steps become one number.</summary>
public enum LossNormalization
{
    /// <summary>Mean over the supervised slots of each step; weighted mean over steps.</summary>
    AutoModel,
    /// <summary>Sum over the supervised slots divided by B·T; weighted sum over steps.</summary>
    SpecForge,
}

/// <summary>LK losses: acceptance itself as the objective (arXiv:2602.23881).</summary>
public enum LkLoss
{
    /// <summary>Soft cross entropy.</summary>
    None,
    /// <summary>-log acceptance.</summary>
    Alpha,
    /// <summary>w CE + (1 - w)(1 - mean acceptance), w = scale exp(-decay · mean acceptance).</summary>
    Lambda,
}

/// <summary>The objective of a run.</summary>
public sealed record Eagle3Settings
{
    /// <summary>K, at least 1.</summary>
    public int TttSteps { get; init; } = 7;

    /// <summary>Who is supervised.</summary>
    public MaskSemantics Mask { get; init; }

    /// <summary>How it is averaged.</summary>
    public LossNormalization Normalization { get; init; }

    /// <summary>Step k weighs this to the power k.</summary>
    public double LossDecay { get; init; } = 0.8;

    /// <summary>LK loss instead of cross entropy.</summary>
    public LkLoss Lk { get; init; }

    /// <summary>LK lambda: scale of w.</summary>
    public double LkScale { get; init; } = 1;

    /// <summary>LK lambda: decay of w.</summary>
    public double LkDecay { get; init; } = 3;

    /// <summary>Embedding row that gets no gradient; null: all do.</summary>
    public int? PaddingId { get; init; }

    /// <summary>The drafter's sliding window holds; AutoModel and SpecForge train without one.</summary>
    internal bool Windowed { get; init; } = true;

    /// <summary>Rows without use that a step may carry along rather than copy all others.</summary>
    internal double Slack { get; init; } = 0.01;

    /// <summary>Weight of step k in the loss.</summary>
    internal double StepWeight(int k)
    {
        var weight = Math.Pow(LossDecay, k);
        if (Normalization == LossNormalization.SpecForge) return weight;
        double sum = 0;
        for (var i = 0; i < TttSteps; i++) sum += Math.Pow(LossDecay, i);
        return weight / sum;
    }
}
