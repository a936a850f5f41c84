// The gated MLP (Shazeer 2020, arXiv:2002.05202): y = down( silu(gate) · up ) with [gate | up] = gateUp(x), one product; other gates in place of silu.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

sealed class GatedMlp(Parameter gateUp, Parameter? gateUpBias, Parameter down, Parameter? downBias, Gate gate = default) : IBlock
{
    public string Kind => "mlp";

    public char Letter => '-';

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var (kernels, work) = (pass.Kernels, pass.Work);
        var (both, activated) = (work.Rows(Scratch.GateUp, gateUp.Rows), work.Rows(Scratch.Activated, down.Cols));
        kernels.Linear(x, gateUp, gateUpBias?.Value, both, false);                                                      // [R, 2I]
        kernels.GatedUnit(gate, both, activated);                                                                       // [R, I]
        kernels.Linear(activated, down, downBias?.Value, y, accumulate);
    }
}
