using System.Runtime.CompilerServices;
using Aerie.Tensors.Cpu.Lanes;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class CpuKernels<V>
{
    public void Add(Tensor a, Tensor b, Tensor y)
    {
        var body = new AddBody { A = a.Floats, B = b.Floats, Y = y.Floats };
        EachBlock(y.Count, ref body);
    }

    public void GatherRows(Tensor x, Tensor rows, Tensor y, bool accumulate)
    {
        var body = new GatherBody { X = x.Floats, Y = y.Floats, Rows = (int*)rows.Address, Cols = y.Cols, Accumulate = accumulate };
        CheckRows(rows, x.Rows);
        Threads.For(y.Rows, ref body, RowGrain(y.Cols));
    }

    public void ScatterAddRows(Tensor y, Tensor rows, Tensor x) => ScatterAdd(y, rows, x, -1);

    public void Scale(Tensor x, float factor)
    {
        var body = new MapBody<Scaled> { Map = new() { Factor = factor }, X = x.Floats, Y = x.Floats };
        EachBlock(x.Count, ref body);
    }

    public void AddScaled(Tensor x, float factor, Tensor y)
    {
        Check.That(x.Count == y.Count, $"{y} += {factor} · {x}");
        var body = new AddScaledBody { X = x.Floats, Y = y.Floats, Factor = factor };
        EachBlock(y.Count, ref body);
    }

    public void SoftCap(Tensor x, float cap)
    {
        Check.That(cap > 0, $"a cap of {cap}");
        var body = new MapBody<Capped> { Map = new() { Cap = cap }, X = x.Floats, Y = x.Floats };
        EachBlock(x.Count, ref body);
    }

    /// <summary>x at rows += y, ascending: rows may come twice, so threads share columns, not rows.</summary>
    static void ScatterAdd(Tensor y, Tensor rows, Tensor x, int skip)
    {
        var body = new ScatterBody { Y = y.Floats, X = x.Floats, Rows = (int*)rows.Address, Count = y.Rows, Cols = y.Cols, Skip = skip };
        CheckRows(rows, x.Rows);
        Threads.For((y.Cols + ColumnBlock - 1) / ColumnBlock, ref body, Math.Max(1, RowGrain(y.Rows) / ColumnBlock));
    }

    static void CheckRows(Tensor rows, int count)
    {
        foreach (var row in rows.I32)
            Check.That((uint)row < (uint)count, $"row {row} of {count}");
    }

    /// <summary>Elements of a flat loop that are one item of it.</summary>
    const int FlatBlock = 2048;

    interface IFlatBody
    {
        void Do(long begin, long end);
    }

    struct Flat<TBody> : IParallelBody where TBody : struct, IFlatBody
    {
        public TBody Body;
        public long Count;

        public readonly void Invoke(int begin, int end) => Body.Do((long)begin * FlatBlock, Math.Min((long)end * FlatBlock, Count));
    }

    static void EachBlock<TBody>(long count, ref TBody body) where TBody : struct, IFlatBody
    {
        var flat = new Flat<TBody> { Body = body, Count = count };
        Threads.For((int)((count + FlatBlock - 1) / FlatBlock), ref flat, Grain / FlatBlock);
    }

    struct AddBody : IFlatBody
    {
        public float* A, B, Y;

        public readonly void Do(long begin, long end)
        {
            var i = begin;
            for (; i + V.Width <= end; i += V.Width) (V.Load(A + i) + V.Load(B + i)).Store(Y + i);
            for (; i < end; i++) Y[i] = A[i] + B[i];
        }
    }

    interface IMap
    {
        V Of(V x);
    }

    /// <summary>y = map(x), element by element.</summary>
    struct MapBody<TMap> : IFlatBody where TMap : struct, IMap
    {
        public TMap Map;
        public float* X, Y;

        public readonly void Do(long begin, long end)
        {
            var i = begin;
            for (; i + V.Width <= end; i += V.Width) Map.Of(V.Load(X + i)).Store(Y + i);
            if (i < end) Lane.StorePart(Map.Of(Lane.LoadPart<V>(X + i, (int)(end - i))), Y + i, (int)(end - i));
        }
    }

    struct Scaled : IMap
    {
        public float Factor;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly V Of(V x) => x * V.All(Factor);
    }

    struct Capped : IMap
    {
        public float Cap;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly V Of(V x) => V.All(Cap) * Lane.Tanh(x * V.All(1 / Cap));
    }

    struct AddScaledBody : IFlatBody
    {
        public float* X, Y;
        public float Factor;

        public readonly void Do(long begin, long end)
        {
            var factor = V.All(Factor);
            var i = begin;
            for (; i + V.Width <= end; i += V.Width) V.MulAdd(V.Load(X + i), factor, V.Load(Y + i)).Store(Y + i);
            var n = (int)(end - i);
            if (n > 0) Lane.StorePart(V.MulAdd(Lane.LoadPart<V>(X + i, n), factor, Lane.LoadPart<V>(Y + i, n)), Y + i, n);
        }
    }

    struct GatherBody : IParallelBody
    {
        public float* X, Y;
        public int* Rows;
        public int Cols;
        public bool Accumulate;

        public readonly void Invoke(int begin, int end)
        {
            for (var r = begin; r < end; r++)
            {
                float* from = X + (long)Rows[r] * Cols, to = Y + (long)r * Cols;
                if (!Accumulate) Buffer.MemoryCopy(from, to, Cols * 4L, Cols * 4L);
                else new AddBody { A = from, B = to, Y = to }.Do(0, Cols);
            }
        }
    }

    struct ScatterBody : IParallelBody
    {
        public float* Y, X;
        public int* Rows;
        public int Count, Cols, Skip;

        public readonly void Invoke(int begin, int end)
        {
            var (first, last) = (begin * ColumnBlock, Math.Min(end * ColumnBlock, Cols));
            for (var r = 0; r < Count; r++)
            {
                if (Rows[r] == Skip) continue;
                var to = X + (long)Rows[r] * Cols;
                new AddBody { A = to, B = Y + (long)r * Cols, Y = to }.Do(first, last);
            }
        }
    }
}
