// Rows of a table:   forward   y[r] = table[ids[r]]      backward   dtable[ids[r]] += dy[r]
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>y [R, H] = rows <paramref name="ids"/> (i32 [R]) of <paramref name="table"/> (f32 or bf16 [V, H]).</summary>
    void Embedding(Tensor table, Tensor ids, Tensor y);

    /// <summary>dtable [V, H] += dy [R, H] at rows ids, in ascending r; the row <paramref name="paddingId"/> gets nothing (-1: all do).</summary>
    void EmbeddingBackward(Tensor dy, Tensor ids, Tensor dtable, int paddingId);
}

public static partial class Ops
{
    public static Tensor Embedding(this Tape tape, Parameter table, Tensor ids, int paddingId = -1)
    {
        var y = tape.New((int)ids.Count, table.Cols);
        tape.Kernels.Embedding(table.Value, ids, y);
        if (table.Trainable)
            tape.Record(y, () => tape.Kernels.EmbeddingBackward(Tape.GradientOf(y), ids, table.Gradient!, paddingId));
        return y;
    }
}
