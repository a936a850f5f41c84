namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Confidence(Tensor logits, Tensor ids, Tensor probabilities)
    {
        CheckRows(ids, logits.Cols);
        var body = new ConfidenceBody { Z = logits.Floats, Ids = (int*)ids.Address, P = probabilities.Floats, Cols = logits.Cols };
        Threads.For(logits.Rows, ref body, RowGrain(logits.Cols));
    }

    struct ConfidenceBody : IParallelBody
    {
        public float* Z, P;
        public int* Ids;
        public int Cols;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++) P[r] = 1 / SumOfExp(Z + (long)r * Cols, Cols, Z[(long)r * Cols + Ids[r]], null);
        }
    }
}
