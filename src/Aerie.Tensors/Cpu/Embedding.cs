using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Embedding(Tensor table, Tensor ids, Tensor y)
    {
        if (table.DType == DType.F32)
        {
            GatherRows(table, ids, y, false);
            return;
        }
        CheckRows(ids, table.Rows);
        var body = new WidenRows { Table = (ushort*)table.Address, Ids = (int*)ids.Address, Y = y.Floats, Cols = y.Cols };
        Threads.For(y.Rows, ref body, RowGrain(y.Cols));
    }

    public void EmbeddingBackward(Tensor dy, Tensor ids, Tensor dtable, int paddingId) => ScatterAdd(dy, ids, dtable, paddingId);

    struct WidenRows : IParallelBody
    {
        public ushort* Table;
        public int* Ids;
        public float* Y;
        public int Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                ushort* from = Table + (long)Ids[r] * Cols;
                float* to = Y + (long)r * Cols;
                var i = 0;
                for (; i + V.Width <= Cols; i += V.Width) V.LoadBF16(from + i).Store(to + i);
                for (; i < Cols; i++) to[i] = BFloat16.ToFloat(from[i]);
            }
        }
    }
}
