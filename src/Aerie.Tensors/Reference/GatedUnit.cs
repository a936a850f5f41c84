namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void GatedUnit(Gate gate, Tensor gateUp, Tensor y)
    {
        for (var r = 0; r < y.Rows; r++)
            for (var i = 0; i < y.Cols; i++) y.Row(r)[i] = (float)Gated(gate, gateUp.Row(r)[i], gateUp.Row(r)[y.Cols + i]);
    }

    static double Gated(Gate gate, double g, double up)
    {
        switch (gate.Kind)
        {
            case GateKind.GeluTanh:
                return g / 2 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (g + 0.044715 * g * g * g))) * up;
            case GateKind.ClampedSwiGlu:
                (g, up) = (Math.Min(g, gate.Limit), Math.Clamp(up, -gate.Limit, gate.Limit));
                return (up + 1) * g / (1 + Math.Exp(-gate.Alpha * g));
            default:
                return g / (1 + Math.Exp(-g)) * up;
        }
    }

    public void SquaredRelu(Tensor x, Tensor y)
    {
        for (var i = 0; i < y.Count; i++) y.F32[i] = Math.Max(x.F32[i], 0) * Math.Max(x.F32[i], 0);
    }
}
