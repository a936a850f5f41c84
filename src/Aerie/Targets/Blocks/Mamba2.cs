// The Mamba-2 block (Dao & Gu 2024, arXiv:2405.21060), D = h P:
//   [z | x | B | C | dt] = in(u)      x, B, C = silu(conv(x, B, C))      y = scan(x, B, C, dt)      out( norm( y silu(z) ) )       norm: over each of G groups by itself
// The convolution and the scan are in Aerie.Tensors (CausalConv, SelectiveScan), what they remember in the cache (RecurrentCache). The state is float32, always.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>The parameters.</summary>
/// <param name="In">[2D + 2GN + h, H]</param>
/// <param name="InBias">Its bias, or null.</param>
/// <param name="Taps">Convolution [K, D + 2GN], the last tap for the token itself.</param>
/// <param name="TapsBias">[D + 2GN], or null.</param>
/// <param name="ALog">[h]</param>
/// <param name="D">[h]</param>
/// <param name="TimeBias">[h]</param>
/// <param name="Norm">[D]</param>
/// <param name="Out">[H, D]</param>
/// <param name="OutBias">Its bias, or null.</param>
sealed record Mamba2Weights(Parameter In, Parameter? InBias, Parameter Taps, Parameter? TapsBias, Parameter ALog, Parameter D, Parameter TimeBias, Parameter Norm, Parameter Out, Parameter? OutBias);

sealed class Mamba2(ScanLayout layout, Mamba2Weights weights, float eps) : IBlock
{
    public string Kind => "Mamba-2";

    public char Letter => 'M';

    public RecurrentShape? Remembers => new(layout.State, layout.Width, weights.Taps.Rows - 1);

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var (kernels, work, (state, past)) = (pass.Kernels, pass.Work, pass.Recurrent);
        var projected = work.Rows(Scratch.Projected, layout.Inner + layout.Width);
        kernels.Linear(x, weights.In, weights.InBias?.Value, projected, false);                                         // [R, z | x | B | C | dt]
        var convolved = work.Some(Scratch.Convolved, pass.RunRows, pass.MostRunRows, layout.Width);
        kernels.CausalConv(projected, layout.Inner, past, pass.Runs, weights.Taps.Value, weights.TapsBias?.Value, convolved);
        var scanned = work.Rows(Scratch.Scanned, layout.Inner);
        kernels.SelectiveScan(layout, convolved, weights.ALog.Value, weights.D.Value, weights.TimeBias.Value, pass.Runs, state, scanned);
        kernels.GatedGroupNorm(scanned, projected, 0, layout.Groups, weights.Norm.Value, eps, scanned);
        kernels.Linear(scanned, weights.Out, weights.OutBias?.Value, y, accumulate);
    }
}
