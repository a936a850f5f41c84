// The right-hand matrix of a product, rearranged once for the kernel: panels [step][Width] one after the other, filled up with zeros.
namespace Aerie.Tensors.Cpu;

/// <summary>A matrix B [K, N] packed for products A B. Native memory, 64-byte aligned, owned by whoever packed it.</summary>
public sealed unsafe class PackedMatrix : IDisposable
{
    void* _data;

    PackedMatrix(Precision precision, GemmKernel kernel, int k, int n)
    {
        (Precision, K, N, Kernel) = (precision, k, n, kernel);
        Layout = new PanelLayout(kernel, k, n);
        _data = NativeBlock.Allocate(Layout.Bytes);
    }

    /// <summary>What B was rounded to and A will be.</summary>
    public Precision Precision { get; }

    /// <summary>Rows of B.</summary>
    public int K { get; }

    /// <summary>Columns of B.</summary>
    public int N { get; }

    /// <summary>Memory held.</summary>
    public long Bytes => Layout.Bytes;

    internal GemmKernel Kernel { get; }

    internal PanelLayout Layout { get; }

    internal uint* Data
    {
        get
        {
            ObjectDisposedException.ThrowIf(_data == null, this);
            return (uint*)_data;
        }
    }

    /// <summary>Packs a copy of <paramref name="b"/> [K, N]; a weight W [N, K] is packed as <c>w.T</c> for x W^T and as <c>w</c> for dy W.</summary>
    public static PackedMatrix Pack(Precision precision, MatrixView b) => Pack(precision, b, GemmKernel.For(Gemm.Isa, precision));

    internal static PackedMatrix Pack(Precision precision, MatrixView b, GemmKernel kernel)
    {
        var packed = new PackedMatrix(precision, kernel, b.Rows, b.Cols);
        packed.Repack(b);
        return packed;
    }

    /// <summary>Packs new values of the same shape into the same memory.</summary>
    public void Repack(MatrixView b)
    {
        if (b.Rows != K || b.Cols != N)
            throw new ArgumentException($"[repack] wants [{K}, {N}] but got [{b.Rows}, {b.Cols}].");
        Layout.Pack(Kernel, b, Data);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeBlock.Free(_data);
        _data = null;
    }
}

/// <summary>Where things are in packed B.</summary>
readonly unsafe struct PanelLayout
{
    public PanelLayout(GemmKernel kernel, int k, int n)
    {
        Steps = RoundUp(Packing.Steps(kernel.FormatB, k), kernel.StepUnit);
        Panels = (n + kernel.Width - 1) / kernel.Width;
        PanelWords = (long)Steps * kernel.Width;
    }

    /// <summary>Steps of k, filled up.</summary>
    public int Steps { get; }

    public int Panels { get; }

    /// <summary>32-bit words from one panel to the next.</summary>
    public long PanelWords { get; }

    public long Bytes => PanelWords * Panels * 4;

    /// <summary>Packs b [K, N], all threads.</summary>
    public void Pack(GemmKernel kernel, MatrixView b, uint* destination)
    {
        var body = new PackBody { Source = b.T, Kernel = kernel, Layout = this, Destination = destination };
        int grain = b.Transposed ? 1 : Math.Clamp(Panels / (2 * Threads.Count), 1, 8);
        Threads.For(Panels, ref body, grain: (int)Math.Max(grain, 8192 / Math.Max(PanelWords, 1)));
    }

    public static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;

    struct PackBody : IParallelBody
    {
        public MatrixView Source;
        public GemmKernel Kernel;
        public PanelLayout Layout;
        public uint* Destination;

        public readonly void Invoke(int begin, int end)
        {
            int width = Kernel.Width;
            if (!Source.Transposed)
            {
                for (int panel = begin; panel < end; panel++)
                    Packing.Fill(Source, Kernel.FormatB, panel * width, width, 0, Layout.Steps, Destination + panel * Layout.PanelWords, 1, width);
                return;
            }

            // Lines of the source run across the panels: some lines at a time, so that their pages and cache lines serve panel after panel.
            int some = Packing.LinesAtOnce / Packing.PerStep(Kernel.FormatB);
            for (int step = 0; step < Layout.Steps; step += some)
            {
                int steps = Math.Min(some, Layout.Steps - step);
                for (int panel = begin; panel < end; panel++)
                    Packing.Fill(Source, Kernel.FormatB, panel * width, width, step, steps, Destination + panel * Layout.PanelWords + (long)step * width, 1, width);
            }
        }
    }
}
