namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void CrossEntropy(Tensor logits, Tensor labels, Tensor weights, Tensor losses, Tensor hits, bool gradient)
        => plain.CrossEntropy(logits, labels, weights, losses, hits, gradient);
}
