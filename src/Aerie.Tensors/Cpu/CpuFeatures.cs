// Which instruction sets this process may use: what the processor has, what the system and .NET's own switches allow, and AERIE_ISA.
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Aerie.Tensors.Cpu;

/// <summary>Instruction sets for matrix products, each containing those before it.</summary>
public enum Isa
{
    /// <summary>128-bit vectors of whatever kind, or plain loops.</summary>
    Portable,

    /// <summary>AVX2 and FMA.</summary>
    Avx2,

    /// <summary>AVX-512 F, BW, DQ.</summary>
    Avx512,

    /// <summary>AVX-512 with bfloat16 dot products (<c>vdpbf16ps</c>).</summary>
    Avx512BF16,

    /// <summary>AMX tiles with bfloat16 (<c>tdpbf16ps</c>).</summary>
    Amx,
}

/// <summary>What this machine can run.</summary>
public static class CpuFeatures
{
    static readonly string[] Names = ["portable", "avx2", "avx512", "avx512bf16", "amx"];
    static Isa[]? s_available;

    /// <summary>The instruction sets this process can use, lowest first; kernels are assembled and tried before one is listed.</summary>
    public static IReadOnlyList<Isa> Available => s_available ??= Enum.GetValues<Isa>().Where(IsAvailable).ToArray();

    /// <summary>The name as in <c>AERIE_ISA</c>.</summary>
    public static string Name(this Isa isa) => Names[(int)isa];

    /// <summary>The highest available one, or what <c>AERIE_ISA</c> asks for.</summary>
    /// <exception cref="InvalidOperationException"><c>AERIE_ISA</c> names nothing known, or something this machine lacks.</exception>
    public static Isa Choose(string? asked)
    {
        if (string.IsNullOrEmpty(asked))
            return Available[^1];
        int index = Array.IndexOf(Names, asked.ToLowerInvariant());
        string have = string.Join(", ", Available.Select(Name));
        if (index < 0)
            throw new InvalidOperationException($"AERIE_ISA is '{asked}'; known are {string.Join(", ", Names)}; this machine has {have}.");
        return Available.Contains((Isa)index)
            ? (Isa)index
            : throw new InvalidOperationException($"AERIE_ISA is '{asked}', which this machine (or DOTNET_Enable... setting) does not offer; it has {have}.");
    }

    /// <summary>The processor's own name, or its architecture.</summary>
    public static string Processor
    {
        get
        {
            if (!X86Base.IsSupported)
                return RuntimeInformation.ProcessArchitecture.ToString();
            Span<int> words = stackalloc int[12];
            for (int i = 0; i < 3; i++)
                (words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]) = X86Base.CpuId(unchecked((int)0x80000002) + i, 0);
            return System.Text.Encoding.ASCII.GetString(MemoryMarshal.AsBytes(words)).Trim('\0', ' ');
        }
    }

    static bool IsAvailable(Isa isa) => isa switch
    {
        Isa.Portable => true,
        Isa.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        Isa.Avx512 => Avx2.IsSupported && Fma.IsSupported && Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported,
        Isa.Avx512BF16 => IsAvailable(Isa.Avx512) && Bit(7, 1, register: 0, bit: 5) && VectorBF16Kernel.Code != null,
        Isa.Amx => IsAvailable(Isa.Avx512) && Bit(7, 0, register: 3, bit: 22) && Bit(7, 0, register: 3, bit: 24) && TileKernel.Code != null,
        _ => false,
    };

    static bool Bit(int leaf, int subleaf, int register, int bit)
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Eax < leaf || (subleaf > 0 && X86Base.CpuId(leaf, 0).Eax < subleaf))
            return false;
        var id = X86Base.CpuId(leaf, subleaf);
        int word = register == 0 ? id.Eax : id.Edx;
        return (word >> bit & 1) != 0;
    }
}
