namespace Aerie.Tensors.Reference;

sealed partial class ReferenceKernels
{
    public void Embedding(Tensor table, Tensor ids, Tensor y)
    {
        for (var r = 0; r < y.Rows; r++)
            for (var i = 0; i < y.Cols; i++) y.Row(r)[i] = At(table, (long)ids.I32[r] * table.Cols + i);
    }

    public void EmbeddingBackward(Tensor dy, Tensor ids, Tensor dtable, int paddingId)
    {
        for (var r = 0; r < dy.Rows; r++)
        {
            if (ids.I32[r] == paddingId) continue;
            for (var i = 0; i < dy.Cols; i++) dtable.Row(ids.I32[r])[i] += dy.Row(r)[i];
        }
    }
}
