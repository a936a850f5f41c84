// Several products side by side, each of some rows with a matrix of its own, in two loops: all rows are packed, then the tasks of all products run as those of one.
// A product's rows may lie anywhere in a larger matrix. Every element is the same sum as in a product alone.
namespace Aerie.Tensors.Cpu;

/// <summary>The products of one call; one per thread that calls, kept from call to call.</summary>
sealed unsafe class GroupedGemm
{
    /// <summary>Packed rows are cut to about this size.</summary>
    const long ScratchBytes = 32 << 20;

    /// <summary>Words behind the packed rows of a product, which packing of few rows may write to.</summary>
    const int Slack = 16;

    /// <summary>So many rows (in most tiles), if packed they stay in the second cache, are done panel by panel of B, which comes from memory as a stream. Measured on Zen 5: 32 rows for
    /// each of 128 experts take 1.05 times as long as a dense product, and 1.29 times in blocks as many rows of one product are done.</summary>
    const int FewTiles = 8;

    [ThreadStatic] static GroupedGemm? t_own;

    struct Product
    {
        public GemmBlock Block;
        public float* X;
        public int* Rows;           // which rows of X; null: the first ones
        public int Stride, K;
        public long At;             // packed rows, in words from the beginning of the scratch
        public int TileEnd, TaskEnd; // tiles and tasks of this product and those before it
    }

    Product[] products = new Product[16];
    int count;
    long words;

    /// <summary>This thread's, empty.</summary>
    public static GroupedGemm Begin()
    {
        var own = t_own ??= new GroupedGemm();
        (own.count, own.words) = (0, 0);
        return own;
    }

    /// <summary>C [rows, N] = rows of X (<paramref name="stride"/> floats apart) · B + bias. Products run when the scratch is full, and at <see cref="Run"/>.</summary>
    public void Add(float* x, int stride, int* rows, int rowCount, PackedMatrix b, float* c, int ldc, float* bias)
    {
        var block = new GemmBlock
        {
            Kernel = b.Kernel, Layout = b.Layout, B = b.Data, C = c, N = b.N, Ldc = ldc, Bias = bias, Alpha = 1, Rows = rowCount,
            StepsA = Packing.PerStep(b.Kernel.FormatB) / Packing.PerStep(b.Kernel.FormatA),
        };
        block.Few = rowCount <= 2 * b.Kernel.MaxRows || (rowCount <= FewTiles * b.Kernel.MaxRows && block.BytesA <= b.Kernel.BlockBytes);
        block.Split(Threads.Count);
        if (count > 0 && (words + block.BytesA / 4) * 4 > ScratchBytes) Run();
        if (count == products.Length) Array.Resize(ref products, 2 * count);
        ref var product = ref products[count];
        product = new Product { Block = block, X = x, Rows = rows, Stride = stride, K = b.K, At = words };
        product.TileEnd = block.Tiles + (count == 0 ? 0 : products[count - 1].TileEnd);
        product.TaskEnd = block.Tasks + (count == 0 ? 0 : products[count - 1].TaskEnd);
        words += PanelLayout.RoundUp(checked((int)(block.BytesA / 4)), Slack) + Slack;
        count++;
    }

    /// <summary>Does what was added.</summary>
    public void Run()
    {
        if (count == 0) return;
        var a = (uint*)Scratch.Take(Scratch.Use.A, words * 4);
        for (var i = 0; i < count; i++) products[i].Block.A = a + products[i].At;
        var pack = new Pack { Products = products };
        Threads.For(products[count - 1].TileEnd, ref pack, (int)Math.Max(1, 32768 / Math.Max(1, words / products[count - 1].TileEnd)));
        var run = new Multiply { Products = products };
        Threads.For(products[count - 1].TaskEnd, ref run);
        (count, words) = (0, 0);
    }

    struct Pack : IParallelBody
    {
        public Product[] Products;

        public readonly void Invoke(int begin, int end)
        {
            for (var i = 0; begin < end; i++)
            {
                ref var product = ref Products[i];
                for (var first = product.TileEnd - product.Block.Tiles; begin < end && begin < product.TileEnd; begin++) Tile(ref product, begin - first);
            }
        }

        static void Tile(ref Product product, int tile)
        {
            ref var block = ref product.Block;
            int row = block.TileRow(tile), rows = block.TileRow(tile + 1) - row, there = Math.Min(rows, block.Rows - row), packedRows = block.TileRow(block.Tiles);
            var source = product.X + (product.Rows == null ? (long)row * product.Stride : there == 1 ? (long)product.Rows[row] * product.Stride : 0);
            var stride = product.Stride;
            if (product.Rows != null && there > 1)
            {
                var gathered = (float*)Scratch.Take(Scratch.Use.Sums, (long)there * product.K * 4);
                for (var r = 0; r < there; r++) Buffer.MemoryCopy(product.X + (long)product.Rows[row + r] * stride, gathered + (long)r * product.K, product.K * 4L, product.K * 4L);
                source = gathered;
                stride = product.K;
            }
            var view = new MatrixView(source, there, product.K, stride);
            for (var step = 0; step < block.Layout.Steps; step += block.BlockSteps)
            {
                var count = Math.Min(block.BlockSteps, block.Layout.Steps - step) * block.StepsA;
                var (vStride, sStride) = block.Kernel.RowMajorA || rows == 1 ? (count, 1) : (1, rows);
                var to = block.A + (long)step * block.StepsA * packedRows + (long)row * count;
                Packing.Fill(view, block.Kernel.FormatA, 0, rows, step * block.StepsA, count, to, vStride, sStride, spill: block.Tiles == 1);
            }
        }
    }

    struct Multiply : IParallelBody
    {
        public Product[] Products;

        public readonly void Invoke(int begin, int end)
        {
            for (var i = 0; begin < end; i++)
            {
                ref var product = ref Products[i];
                var last = Math.Min(end, product.TaskEnd);
                if (begin >= last) continue;
                var first = product.TaskEnd - product.Block.Tasks;
                product.Block.Invoke(begin - first, last - first);
                begin = last;
            }
        }
    }
}
