// Native memory for matrices: aligned, in large pages where the system gives them.
using System.Runtime.InteropServices;

namespace Aerie.Tensors.Cpu;

/// <summary>Allocation for packed matrices and scratch.</summary>
static unsafe partial class NativeBlock
{
    const int HugePage = 2 << 20, AdviseHugePage = 14;

    /// <summary>Readable memory behind the end of every block, so that kernels may prefetch or load past a panel.</summary>
    const int Slack = 256;

    public static void* Allocate(long bytes)
    {
        bool large = bytes >= HugePage;
        nuint size = large ? (nuint)(bytes + Slack + HugePage - 1) / HugePage * HugePage : (nuint)(bytes + Slack);
        void* memory = NativeMemory.AlignedAlloc(size, large ? HugePage : 64u);
        if (large && OperatingSystem.IsLinux())
            _ = Advise(memory, size, AdviseHugePage); // a wish: small pages work as well
        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}

/// <summary>Memory that a thread keeps from one product to the next: packed A, packed B, sums. It grows to the largest product's need, which the
/// driver bounds, and goes with the thread.</summary>
sealed unsafe class Scratch
{
    [ThreadStatic] static Scratch? t_own;

    readonly Block[] _blocks = new Block[3];

    struct Block
    {
        public void* Memory;
        public long Bytes;
    }

    public enum Use
    {
        A,
        B,
        Sums,
    }

    /// <summary>This thread's block for a use, at least so long; its content is undefined.</summary>
    public static void* Take(Use use, long bytes)
    {
        ref Block block = ref (t_own ??= new Scratch())._blocks[(int)use];
        if (block.Bytes < bytes)
        {
            NativeBlock.Free(block.Memory);
            block = default;
            block.Memory = NativeBlock.Allocate(bytes);
            block.Bytes = bytes;
        }

        return block.Memory;
    }

    ~Scratch()
    {
        foreach (Block block in _blocks)
            NativeBlock.Free(block.Memory);
    }
}
