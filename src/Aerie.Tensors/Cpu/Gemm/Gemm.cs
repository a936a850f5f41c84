// Matrix products C = alpha A B (+ bias) (+ C). Every element of C is one sum, taken in ascending order of k, so its bits depend on nothing else:
// not on the number of rows, on threads or on blocking (a sum that is interrupted is put down and taken up again as it is).
//
// Few rows (decoding): A is packed whole, and each thread streams its panels of B once. Many rows: A is packed by all threads, a few thousand rows at
// a time; tasks are blocks of C, whose rows x k of A and panel of B stay in the second cache.
namespace Aerie.Tensors.Cpu;

/// <summary>Matrix products on the processor.</summary>
public static unsafe class Gemm
{
    /// <summary>Packed A and packed-on-the-fly B are cut to about these sizes. A is packed again for each part of B: few parts.</summary>
    const long ScratchBytes = 16 << 20, ScratchBytesB = 64 << 20;

    static Isa? s_isa;

    /// <summary>Instruction set of matrices packed from now on: the machine's best, or <c>AERIE_ISA</c>.</summary>
    public static Isa Isa
    {
        get => s_isa ??= CpuFeatures.Choose(Environment.GetEnvironmentVariable("AERIE_ISA"));
        set => s_isa = CpuFeatures.Available.Contains(value) ? value : throw new ArgumentException($"[gemm] {value.Name()} is not available on this machine.");
    }

    /// <summary>C [M, N] = alpha * A [M, K] B [K, N] + bias [N] (null: none), plus C when <paramref name="accumulate"/>; rows of C are
    /// <paramref name="ldc"/> floats apart. Order in each element: the sum over k, alpha, bias, C.</summary>
    public static void Multiply(MatrixView a, PackedMatrix b, float* c, int ldc, bool accumulate = false, float* bias = null, float alpha = 1)
    {
        Check(a, b.K, b.N, ldc);
        var product = new GemmProduct(b.Kernel, b.Layout, b.Data, b.N, c, ldc, accumulate, bias, alpha);
        product.Run(a);
    }

    /// <summary>The same with a B that is used once: it is packed into scratch memory, part by part.</summary>
    public static void Multiply(MatrixView a, MatrixView b, float* c, int ldc, Precision precision, bool accumulate = false, float* bias = null, float alpha = 1) =>
        Multiply(a, b, c, ldc, GemmKernel.For(Isa, precision), accumulate, bias, alpha);

    internal static void Multiply(MatrixView a, MatrixView b, float* c, int ldc, GemmKernel kernel, bool accumulate, float* bias, float alpha)
    {
        Check(a, b.Rows, b.Cols, ldc);
        long panelBytes = Math.Max(new PanelLayout(kernel, b.Rows, kernel.Width).Bytes, 1);
        int part = (int)Math.Clamp(ScratchBytesB / panelBytes, 8, int.MaxValue / kernel.Width / 2) * kernel.Width;
        for (int n = 0; n < b.Cols; n += part)
        {
            MatrixView columns = b.Columns(n, Math.Min(part, b.Cols - n));
            var layout = new PanelLayout(kernel, b.Rows, columns.Cols);
            uint* packed = (uint*)Scratch.Take(Scratch.Use.B, layout.Bytes);
            layout.Pack(kernel, columns, packed);
            var product = new GemmProduct(kernel, layout, packed, columns.Cols, c + n, ldc, accumulate, bias == null ? null : bias + n, alpha);
            product.Run(a);
        }
    }

    /// <summary>What this machine multiplies with, one line each.</summary>
    public static IReadOnlyList<string> Describe() =>
    [
        $"processor: {CpuFeatures.Processor}, {Threads.Count} threads",
        $"instruction sets: {string.Join(", ", CpuFeatures.Available.Select(CpuFeatures.Name))}",
        $"products in bf16: {GemmKernel.For(Isa, Precision.BF16).Name}",
        $"products in f32: {GemmKernel.For(Isa, Precision.F32).Name}",
    ];

    static void Check(MatrixView a, int k, int n, int ldc)
    {
        if (a.Cols != k)
            throw new ArgumentException($"[gemm] A is [{a.Rows}, {a.Cols}] but B is [{k}, {n}].");
        if (ldc < n)
            throw new ArgumentException($"[gemm] rows of C are {ldc} floats apart, less than their length {n}.");
    }

    /// <summary>One product with packed B: the loops around the kernel.</summary>
    readonly struct GemmProduct(GemmKernel kernel, PanelLayout layout, uint* b, int n, float* c, int ldc, bool accumulate, float* bias, float alpha)
    {
        public void Run(MatrixView a)
        {
            if (a.Rows == 0 || n == 0)
                return;
            bool few = a.Rows <= 2 * kernel.MaxRows;
            int chunk = a.Rows;
            if (!few)
            {
                long rowBytes = Math.Max(layout.Steps * 4L * Packing.PerStep(kernel.FormatB) / Packing.PerStep(kernel.FormatA), 1);
                chunk = PanelLayout.RoundUp((int)Math.Min(Math.Max(ScratchBytes / rowBytes, 16 * kernel.MaxRows), a.Rows), kernel.MaxRows);
            }

            for (int row = 0; row < a.Rows; row += chunk)
                RunChunk(a, row, Math.Min(chunk, a.Rows - row), few);
        }

        void RunChunk(MatrixView a, int row, int rows, bool few)
        {
            var block = new GemmBlock
            {
                Kernel = kernel,
                Layout = layout,
                B = b,
                C = c + (long)row * ldc,
                N = n,
                Ldc = ldc,
                Accumulate = accumulate,
                Bias = bias,
                Alpha = alpha,
                Rows = rows,
                Few = few,
                StepsA = Packing.PerStep(kernel.FormatB) / Packing.PerStep(kernel.FormatA),
            };
            block.Split(Threads.Count);
            bool asItIs = rows == 1 && kernel.FormatA == PackFormat.Float && !a.IsBF16 && (!a.Transposed || a.Stride == 1) && kernel.StepUnit == 1;
            if (asItIs)
            {
                block.A = (uint*)a.Data + (a.Transposed ? row : row * a.Stride);
            }
            else
            {
                block.A = (uint*)Scratch.Take(Scratch.Use.A, block.BytesA);
                var pack = new PackRows { Block = block, Source = a.Lines(row, rows) };
                if (few)
                    pack.Invoke(0, block.Tiles);
                else
                    Threads.For(block.Tiles, ref pack);
            }

            Threads.For(block.Tasks, ref block);
        }
    }
}
