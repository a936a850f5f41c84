namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void RmsNorm(Tensor x, Tensor w, float eps, Tensor y, Tensor scale)
        => plain.RmsNorm(x, w, eps, y, scale);

    public void RmsNormBackward(Tensor dy, Tensor x, Tensor w, Tensor scale, Tensor? dx, bool accumulate, Tensor? dw)
        => plain.RmsNormBackward(dy, x, w, scale, dx, accumulate, dw);
}
