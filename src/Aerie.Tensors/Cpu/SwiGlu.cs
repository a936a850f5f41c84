namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void SwiGlu(Tensor gateUp, Tensor y)
        => plain.SwiGlu(gateUp, y);

    public void SwiGluBackward(Tensor dy, Tensor gateUp, Tensor dgateUp, bool accumulate)
        => plain.SwiGluBackward(dy, gateUp, dgateUp, accumulate);
}
