// A mixture of experts (Shazeer et al. 2017, arXiv:1701.06538). E experts, of which each token sees the k that its router chooses:
//   y = fc2( Σ_e factor_e expert_e(fc1(x)) ) + shared(x)       expert(u) = down( gate( gateUp(u) ) )   or without a gate   down( max(up(u), 0)² )
// fc1 and fc2 (NemotronH: experts in a narrower space) and the shared expert, which reads x itself, may be absent.
// Tokens are grouped by expert: one product for each expert that somebody chose; what comes back to a token is added in ascending order of the experts.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>The parameters. Z is the width that experts read: H, or that of fc1.</summary>
/// <param name="Router">[E, H]</param>
/// <param name="RouterBias">Added to the logits [E].</param>
/// <param name="ChoiceBias">Added to the scores for the choice alone [E].</param>
/// <param name="First">For each expert [2J, Z] = [gate; up], or up [J, Z] without a gate.</param>
/// <param name="FirstBias">[E, 2J]</param>
/// <param name="Down">For each expert [Z, J].</param>
/// <param name="DownBias">[E, Z]</param>
sealed record ExpertWeights(Parameter Router, Parameter? RouterBias, Parameter? ChoiceBias, IReadOnlyList<Parameter> First, Parameter? FirstBias, IReadOnlyList<Parameter> Down, Parameter? DownBias)
{
    /// <summary>fc1 [Z, H] and its bias.</summary>
    internal (Parameter Weight, Parameter? Bias)? LatentIn { get; init; }

    /// <summary>fc2 [H, Z] and its bias.</summary>
    internal (Parameter Weight, Parameter? Bias)? LatentOut { get; init; }
}

/// <param name="config">Sizes and the router's rule.</param>
/// <param name="weights">The parameters.</param>
/// <param name="gate">What happens between the two products of an expert; null: max(x, 0)².</param>
/// <param name="shared">What every token sees; null: nothing.</param>
sealed class Experts(ExpertsConfig config, ExpertWeights weights, Gate? gate, IBlock? shared = null) : IBlock
{
    public string Kind => $"{config.Chosen} of {config.Count} experts{(shared is null ? "" : " + shared")}";

    public char Letter => 'E';

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var (kernels, work, rows) = (pass.Kernels, pass.Work, x.Rows);
        var logits = work.Matrix(Scratch.RouterLogits, rows, 1, config.Count);
        var (chosen, factors) = (work.Matrix(Scratch.RouterChoice, rows, 1, config.Chosen, DType.I32), work.Matrix(Scratch.RouterFactors, rows, 1, config.Chosen));
        kernels.Linear(x, weights.Router, weights.RouterBias?.Value, logits, false);                                    // [R, E]
        kernels.Route(logits, weights.ChoiceBias?.Value, config.Rule, chosen, factors);                                 // [R, k]
        pass.Routed?.Invoke(pass.Layer, logits, chosen, factors);
        var groups = work.Groups(config.Count, config.Chosen);
        groups.Sort(chosen);

        var read = x;
        if (weights.LatentIn is { } latentIn) kernels.Linear(x, latentIn.Weight, latentIn.Bias?.Value, read = work.Matrix(Scratch.Latent, rows, 1, latentIn.Weight.Rows), false);
        var hidden = work.Matrix(Scratch.ExpertHidden, rows, config.Chosen, weights.First[0].Rows);
        kernels.ExpertLinear(read, groups, true, weights.First, weights.FirstBias?.Value, hidden);                      // [R k, 2J]
        var activated = hidden;
        if (gate is { } kind) kernels.GatedUnit(kind, hidden, activated = work.Matrix(Scratch.ExpertActivated, rows, config.Chosen, config.Width));
        else kernels.SquaredRelu(hidden, hidden);
        var written = work.Matrix(Scratch.ExpertOutput, rows, config.Chosen, weights.Down[0].Rows);
        kernels.ExpertLinear(activated, groups, false, weights.Down, weights.DownBias?.Value, written);                 // [R k, Z]

        var sum = weights.LatentOut is { } latentOut ? work.Matrix(Scratch.Latent, rows, 1, latentOut.Weight.Cols) : y;
        if (sum != y || !accumulate) sum.Clear();
        kernels.AddExperts(written, groups, factors, sum);
        if (weights.LatentOut is { } back) kernels.Linear(sum, back.Weight, back.Bias?.Value, y, accumulate);
        shared?.Forward(pass, x, y, true);
    }
}
