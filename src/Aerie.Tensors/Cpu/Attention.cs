namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels<V>
{
    public void Attention(HeadLayout layout, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain, Tensor y, Tensor? logSumExp)
        => Tensors.Kernels.Reference.Attention(layout, q, k, v, intervals, chain, y, logSumExp);

    public void AttentionBackward(HeadLayout layout, Tensor dy, Tensor q, Tensor k, Tensor v, Tensor intervals, ReadOnlySpan<ChainKeys> chain,
        Tensor y, Tensor logSumExp, Tensor dq, Tensor dk, Tensor dv, ReadOnlySpan<Tensor> chainGradients)
        => Tensors.Kernels.Reference.AttentionBackward(layout, dy, q, k, v, intervals, chain, y, logSumExp, dq, dk, dv, chainGradients);
}
