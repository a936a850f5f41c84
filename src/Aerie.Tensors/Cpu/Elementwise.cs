namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void Add(Tensor a, Tensor b, Tensor y)
        => plain.Add(a, b, y);

    public void GatherRows(Tensor x, Tensor rows, Tensor y, bool accumulate)
        => plain.GatherRows(x, rows, y, accumulate);

    public void ScatterAddRows(Tensor y, Tensor rows, Tensor x)
        => plain.ScatterAddRows(y, rows, x);
}
