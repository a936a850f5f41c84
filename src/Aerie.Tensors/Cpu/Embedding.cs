namespace Aerie.Tensors.Cpu;

sealed partial class CpuKernels
{
    public void Embedding(Tensor table, Tensor ids, Tensor y)
        => plain.Embedding(table, ids, y);

    public void EmbeddingBackward(Tensor dy, Tensor ids, Tensor dtable, int paddingId)
        => plain.EmbeddingBackward(dy, ids, dtable, paddingId);
}
