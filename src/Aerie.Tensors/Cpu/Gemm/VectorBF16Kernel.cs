// The AVX512_BF16 kernel: rows x 2 accumulators of 16 floats, `vdpbf16ps` (acc += a[2i+1] b[2i+1] + a[2i] b[2i] for pairs of bfloat16).
// .NET has no intrinsic for it, so one routine per number of rows is assembled at start.
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Aerie.Tensors.Cpu;

sealed unsafe class VectorBF16Kernel : GemmKernel
{
    const int Rows = 12, Unroll = 4, StepBytes = 128;

    static readonly AssemblerRegisterZMM[] Zmm =
    [
        zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7, zmm8, zmm9, zmm10, zmm11, zmm12, zmm13, zmm14, zmm15, zmm16, zmm17, zmm18, zmm19, zmm20,
        zmm21, zmm22, zmm23, zmm24, zmm25, zmm26, zmm27, zmm28, zmm29, zmm30, zmm31,
    ];

    /// <summary>Addresses of the routines by rows; null where code cannot be placed.</summary>
    public static readonly nint[]? Code = AssembleAll();

    public override string Name => "avx512bf16 (vdpbf16ps)";
    public override int Width => 32;
    public override int MaxRows => Rows;
    public override PackFormat FormatA => PackFormat.PairBF16;
    public override PackFormat FormatB => PackFormat.PairBF16;

    public override void Run(int rows, uint* a, uint* b, int steps, float* c, long cStride, bool load, bool stream) =>
        ((delegate* unmanaged[SuppressGCTransition]<uint*, uint*, long, float*, long, long, void>)Code![rows])(a, b, steps, c, cStride * 4, (load ? 1 : 0) + (stream ? 2 * StreamAhead : 0));

    static nint[]? AssembleAll()
    {
        var code = new nint[Rows + 1];
        for (int rows = 1; rows <= Rows; rows++)
        {
            code[rows] = (nint)ExecutableMemory.Place(Assemble(rows));
            if (code[rows] == 0)
                return null;
        }

        return code;
    }

    // void tile(a rdi, b rsi, steps rdx, c rcx, cStride r8 in bytes, load + 2 * bytes to prefetch ahead r9)
    static Assembler Assemble(int rows)
    {
        var asm = new Assembler(64);
        Label zero = asm.CreateLabel(), start = asm.CreateLabel(), many = asm.CreateLabel(), few = asm.CreateLabel(), one = asm.CreateLabel(), done = asm.CreateLabel();

        asm.shr(r9, 1);
        asm.jnc(zero);
        asm.mov(rax, rcx);
        for (int i = 0; i < rows; i++)
        {
            asm.vmovups(Zmm[2 * i], __zmmword_ptr[rax]);
            asm.vmovups(Zmm[2 * i + 1], __zmmword_ptr[rax + 64]);
            asm.add(rax, r8);
        }

        asm.jmp(start);
        asm.Label(ref zero);
        for (int i = 0; i < 2 * rows; i++)
            asm.vpxord(Zmm[i], Zmm[i], Zmm[i]);

        asm.Label(ref start);
        asm.sub(rdx, Unroll);
        asm.jl(few);
        asm.Label(ref many);
        for (int u = 0; u < Unroll; u++)
            Step(asm, rows, u);
        asm.add(rdi, Unroll * rows * 4);
        asm.add(rsi, Unroll * StepBytes);
        asm.sub(rdx, Unroll);
        asm.jge(many);
        asm.Label(ref few);
        asm.add(rdx, Unroll);
        asm.jz(done);
        asm.Label(ref one);
        Step(asm, rows, 0);
        asm.add(rdi, rows * 4);
        asm.add(rsi, StepBytes);
        asm.dec(rdx);
        asm.jnz(one);

        asm.Label(ref done);
        for (int i = 0; i < rows; i++)
        {
            asm.vmovups(__zmmword_ptr[rcx], Zmm[2 * i]);
            asm.vmovups(__zmmword_ptr[rcx + 64], Zmm[2 * i + 1]);
            asm.add(rcx, r8);
        }

        asm.vzeroupper();
        asm.ret();
        return asm;
    }

    static void Step(Assembler asm, int rows, int u)
    {
        asm.vmovups(zmm30, __zmmword_ptr[rsi + u * StepBytes]);
        asm.vmovups(zmm31, __zmmword_ptr[rsi + u * StepBytes + 64]);
        asm.prefetcht0(__byte_ptr[rsi + r9 + u * StepBytes]);
        asm.prefetcht0(__byte_ptr[rsi + r9 + u * StepBytes + 64]);
        for (int i = 0; i < rows; i++)
        {
            var x = Zmm[28 + (i & 1)];
            asm.vpbroadcastd(x, __dword_ptr[rdi + (u * rows + i) * 4]);
            asm.vdpbf16ps(Zmm[2 * i], x, zmm30);
            asm.vdpbf16ps(Zmm[2 * i + 1], x, zmm31);
        }
    }
}
