namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void SoftCrossEntropy(Tensor logits, Tensor teacher, Tensor teacherRows, Tensor? mass, SoftLoss loss, float weight,
        Tensor crossEntropy, Tensor acceptance, Tensor argmax, bool gradient)
        => plain.SoftCrossEntropy(logits, teacher, teacherRows, mass, loss, weight, crossEntropy, acceptance, argmax, gradient);

    public void SelectedSoftmax(Tensor logits, Tensor ids, Tensor probs, Tensor argmax, Tensor? mass)
        => plain.SelectedSoftmax(logits, ids, probs, argmax, mass);

    public void Argmax(Tensor logits, Tensor ids)
        => plain.Argmax(logits, ids);
}
