// The inner block of a matrix product: a tile of C (rows x Width) += A (rows x k) B (k x Width), every element one accumulator in ascending k.
// A driver (Gemm) brings the operands into the layouts below.
namespace Aerie.Tensors.Cpu;

/// <summary>How elements are packed, in units of 32 bits ("steps" along k).</summary>
enum PackFormat
{
    /// <summary>One float32 per step.</summary>
    Float,

    /// <summary>One float32, rounded to bfloat16, per step.</summary>
    RoundedFloat,

    /// <summary>Two bfloat16 per step: k even in the low half, k odd in the high half.</summary>
    PairBF16,
}

/// <summary>One inner kernel. B is packed in panels [step][Width]; A in row tiles [step][row], or row by row where <see cref="RowMajorA"/>.</summary>
abstract unsafe class GemmKernel
{
    /// <summary>Name for people.</summary>
    public abstract string Name { get; }

    /// <summary>Columns of a panel.</summary>
    public abstract int Width { get; }

    /// <summary>Most rows of a tile.</summary>
    public abstract int MaxRows { get; }

    /// <summary>Tiles have a multiple of this many rows; A is filled up with zeros.</summary>
    public virtual int RowUnit => 1;

    /// <summary>k is filled up with zeros to a multiple of this many steps.</summary>
    public virtual int StepUnit => 1;

    /// <summary>A tile of A is stored [row][step].</summary>
    public virtual bool RowMajorA => false;

    /// <summary>Layout of packed A.</summary>
    public abstract PackFormat FormatA { get; }

    /// <summary>Layout of packed B; steps are counted by it.</summary>
    public abstract PackFormat FormatB { get; }

    /// <summary>Steps of k done at once when there are many rows; a part of a panel so long stays in the second cache.</summary>
    public const int BlockSteps = 1024;

    /// <summary>Bytes of packed A of a task (rows x <see cref="BlockSteps"/>), for the second cache as well. Measured on Zen 5 (1 MiB): long sums and few
    /// rows gain 0 to 8 % over 256 steps and 240 rows, which keep a part of a panel in the first cache but take each sum up again more often.</summary>
    public virtual int BlockBytes => 384 << 10;

    /// <summary>Bytes of packed B that a column of tasks shares, for the last cache.</summary>
    public const int ColumnBytes = 4 << 20;

    /// <summary>Measured: at 4 KiB one token streams as fast, but eight tokens cost 1.4 times one; at 16 KiB 1.05 times.</summary>
    protected const int StreamAhead = 16384;

    /// <summary>Computes a tile: <paramref name="c"/> (rows <paramref name="cStride"/> floats apart) = or, when <paramref name="load"/>, += A B.
    /// With <paramref name="stream"/> B comes from memory for the first time and the kernel prefetches <see cref="StreamAhead"/> bytes ahead.</summary>
    public abstract void Run(int rows, uint* a, uint* b, int steps, float* c, long cStride, bool load, bool stream);

    /// <summary>The kernel for an available instruction set.</summary>
    public static GemmKernel For(Isa isa, Precision precision) => (precision == Precision.F32 ? Float : BF16)[(int)isa] ?? throw new InvalidOperationException($"no kernel for {isa.Name()} on this machine");

    static readonly GemmKernel?[] Float = All(Precision.F32), BF16 = All(Precision.BF16);

    static GemmKernel?[] All(Precision precision) =>
        Enum.GetValues<Isa>().Select(isa => CpuFeatures.Available.Contains(isa) ? Make(isa, precision) : null).ToArray();

    static GemmKernel Make(Isa isa, Precision precision) => (isa, precision) switch
    {
        (Isa.Amx, Precision.BF16) => new TileKernel(),
        (Isa.Avx512BF16, Precision.BF16) => new VectorBF16Kernel(),
        ( >= Isa.Avx512, _) => LaneKernel.Create<Lane512, System.Runtime.Intrinsics.Vector512<float>>(precision),
        (Isa.Avx2, _) => LaneKernel.Create<Lane256, System.Runtime.Intrinsics.Vector256<float>>(precision),
        _ when System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated => LaneKernel.Create<Lane128, System.Runtime.Intrinsics.Vector128<float>>(precision),
        _ => LaneKernel.Create<Lane1, float>(precision),
    };
}
