// The MLP without a gate (So et al. 2021, arXiv:2109.08668): y = down( max(up(x), 0)² ).
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

sealed class PlainMlp(Parameter up, Parameter? upBias, Parameter down, Parameter? downBias) : IBlock
{
    public string Kind => "mlp";

    public char Letter => '-';

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var hidden = pass.Work.Rows(Scratch.Activated, up.Rows);
        pass.Kernels.Linear(x, up, upBias?.Value, hidden, false);                                                       // [R, I]
        pass.Kernels.SquaredRelu(hidden, hidden);
        pass.Kernels.Linear(hidden, down, downBias?.Value, y, accumulate);
    }
}
