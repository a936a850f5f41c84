namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void Rope(Tensor x, int column, int heads, RotaryTable table, Tensor positions, bool inverse)
        => plain.Rope(x, column, heads, table, positions, inverse);
}
