// Activations of MLPs, forward only (the targets that have them are frozen). On rows [gate | up] of width 2I:
//   SwiGlu          y = silu(gate) up                                           (Ops/SwiGlu.cs, which also has the backward pass)
//   GeluTanh        y = gelu(gate) up,  gelu(x) = x/2 (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))       (Hendrycks & Gimpel 2016, arXiv:1606.08415; Gemma)
//   ClampedSwiGlu   g = min(gate, limit)   u = clamp(up, −limit, limit)   y = (u + 1) g σ(alpha g)   (gpt-oss, arXiv:2508.10925)
// and without a gate: SquaredRelu, y = max(x, 0)²   (So et al. 2021, arXiv:2109.08668; NemotronH).
namespace Aerie.Tensors;

/// <summary>What a gate does to its half of a row.</summary>
public enum GateKind
{
    /// <summary>silu(gate) · up.</summary>
    SwiGlu,

    /// <summary>gelu(gate) · up, gelu by its tanh formula.</summary>
    GeluTanh,

    /// <summary>(up + 1) · gate · σ(alpha gate), both clamped first.</summary>
    ClampedSwiGlu,
}

/// <summary>A gated activation and its constants.</summary>
/// <param name="Kind">The formula.</param>
/// <param name="Alpha">ClampedSwiGlu: factor inside σ.</param>
/// <param name="Limit">ClampedSwiGlu: largest gate, and largest size of up.</param>
public readonly record struct Gate(GateKind Kind, float Alpha = 0, float Limit = 0);

public partial interface IKernels
{
    /// <summary>gateUp [R, 2I] → y [R, I].</summary>
    void GatedUnit(Gate gate, Tensor gateUp, Tensor y);

    /// <summary>y = max(x, 0)²; y may be x.</summary>
    void SquaredRelu(Tensor x, Tensor y);
}
