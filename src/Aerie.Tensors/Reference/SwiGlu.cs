namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void SwiGlu(Tensor gateUp, Tensor y)
    {
        for (var r = 0; r < y.Rows; r++)
            for (var i = 0; i < y.Cols; i++)
            {
                double gate = gateUp.Row(r)[i];
                y.Row(r)[i] = (float)(gate / (1 + Math.Exp(-gate)) * gateUp.Row(r)[y.Cols + i]);
            }
    }

    public void SwiGluBackward(Tensor dy, Tensor gateUp, Tensor dgateUp, bool accumulate)
    {
        var n = dy.Cols;
        for (var r = 0; r < dy.Rows; r++)
            for (var i = 0; i < n; i++)
            {
                double gate = gateUp.Row(r)[i], up = gateUp.Row(r)[n + i], d = dy.Row(r)[i], sigma = 1 / (1 + Math.Exp(-gate));
                var target = dgateUp.Row(r);
                target[i] = (float)(d * up * sigma * (1 + gate * (1 - sigma)) + (accumulate ? target[i] : 0));
                target[n + i] = (float)(d * gate * sigma + (accumulate ? target[n + i] : 0));
            }
    }
}
