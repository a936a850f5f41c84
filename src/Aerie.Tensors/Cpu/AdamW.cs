namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void AdamW(Tensor value, Tensor gradient, Tensor m, Tensor v, float scale, AdamWUpdate update)
        => plain.AdamW(value, gradient, m, v, scale, update);

    public double SumOfSquares(Tensor x)
        => plain.SumOfSquares(x);
}
