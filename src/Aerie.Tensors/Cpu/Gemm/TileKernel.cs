// The AMX kernel: 2 x 2 tiles of 16 x 16 floats, `tdpbf16ps` over 32 values of k at a time (Intel SDM, chapter on AMX). A is row-major pairs, B the usual
// panel (its rows of 32 words are two tiles side by side). Short A is filled up with zero rows, short k with zeros: both by the packing.
// Tiles: 0-3 C, 4-5 A, 6-7 B.
using System.Runtime.InteropServices;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Aerie.Tensors.Cpu;

sealed unsafe partial class TileKernel : GemmKernel
{
    const long ArchPrctl = 158, RequestPermission = 0x1023, TileData = 18;

    /// <summary>What `ldtilecfg` reads; it lives as long as the process.</summary>
    internal static readonly byte* Configuration = Configure();

    /// <summary>Routines for 16 and 32 rows, and the tile configuration; null where the system does not grant tiles or executable memory.</summary>
    public static readonly nint[]? Code = AssembleAll();

    public override string Name => "amx (tdpbf16ps)";
    public override int Width => 32;
    public override int MaxRows => 32;
    public override int RowUnit => 16;
    public override int StepUnit => 16;
    public override bool RowMajorA => true;
    public override PackFormat FormatA => PackFormat.PairBF16;
    public override PackFormat FormatB => PackFormat.PairBF16;
    public override int BlockBytes => 512 << 10;

    public override void Run(int rows, uint* a, uint* b, int steps, float* c, long cStride, bool load, bool stream) =>
        ((delegate* unmanaged[SuppressGCTransition]<uint*, uint*, long, float*, long, long, void>)Code![rows / 16 - 1])(a, b, steps, c, cStride * 4, Flags(load, stream));

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, long a, long b);

    internal static long Flags(bool load, bool stream) => (load ? 1 : 0) + (stream ? 2 * StreamAhead : 0);

    static byte* Configure()
    {
        byte* config = (byte*)NativeMemory.AlignedAlloc(64, 64);
        new Span<byte>(config, 64).Clear();
        config[0] = 1; // palette 1: tiles of 16 rows of 64 bytes
        for (int tile = 0; tile < 8; tile++)
        {
            ((ushort*)(config + 16))[tile] = 64;
            config[48 + tile] = 16;
        }

        return config;
    }

    static nint[]? AssembleAll()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64 || SystemCall(ArchPrctl, RequestPermission, TileData) != 0)
            return null;
        nint[] code = [(nint)ExecutableMemory.Place(Assemble(1, Configuration)), (nint)ExecutableMemory.Place(Assemble(2, Configuration))];
        return code[0] != 0 && code[1] != 0 ? code : null;
    }

    // void tile(a rdi, b rsi, steps rdx, c rcx, cStride r8 in bytes, load + 2 * bytes to prefetch ahead r9); A's rows are `steps` words apart.
    internal static Assembler Assemble(int high, byte* config)
    {
        AssemblerRegisterTMM[] tiles = [tmm0, tmm1, tmm2, tmm3, tmm4, tmm5, tmm6, tmm7];
        var asm = new Assembler(64);
        Label zero = asm.CreateLabel(), start = asm.CreateLabel(), loop = asm.CreateLabel(), done = asm.CreateLabel();

        asm.mov(rax, (long)config);
        asm.ldtilecfg(__[rax]);
        asm.mov(r10, r8);
        asm.shl(r10, 4);
        asm.add(r10, rcx); // C, rows 16 and on
        asm.shr(r9, 1);
        asm.jnc(zero);
        for (int i = 0; i < high; i++)
        {
            asm.tileloadd(tiles[2 * i], __[(i == 0 ? rcx : r10) + r8]);
            asm.tileloadd(tiles[2 * i + 1], __[(i == 0 ? rcx : r10) + r8 + 64]);
        }

        asm.jmp(start);
        asm.Label(ref zero);
        for (int i = 0; i < 2 * high; i++)
            asm.tilezero(tiles[i]);

        asm.Label(ref start);
        asm.lea(rax, __[rdx * 4]); // bytes of a row of A
        asm.mov(r11, rax);
        asm.shl(r11, 4);
        asm.add(r11, rdi); // A, rows 16 and on
        asm.push(r8);
        asm.lea(r8, __[rsi + r9]); // B to come
        asm.mov(r9d, 128); // bytes of a row of B
        asm.sub(rdx, 16);
        asm.jl(done);
        asm.Label(ref loop);
        for (int line = 0; line < 32; line++)
            asm.prefetcht0(__byte_ptr[r8 + line * 64]);
        asm.tileloadd(tmm6, __[rsi + r9]);
        asm.tileloadd(tmm7, __[rsi + r9 + 64]);
        for (int i = 0; i < high; i++)
        {
            asm.tileloadd(tiles[4 + i], __[(i == 0 ? rdi : r11) + rax]);
            asm.tdpbf16ps(tiles[2 * i], tiles[4 + i], tmm6);
            asm.tdpbf16ps(tiles[2 * i + 1], tiles[4 + i], tmm7);
        }

        asm.add(rdi, 64);
        asm.add(r11, 64);
        asm.add(rsi, 16 * 128);
        asm.add(r8, 16 * 128);
        asm.sub(rdx, 16);
        asm.jge(loop);

        asm.Label(ref done);
        asm.pop(r8);
        for (int i = 0; i < high; i++)
        {
            asm.tilestored(__[(i == 0 ? rcx : r10) + r8], tiles[2 * i]);
            asm.tilestored(__[(i == 0 ? rcx : r10) + r8 + 64], tiles[2 * i + 1]);
        }

        asm.tilerelease();
        asm.ret();
        return asm;
    }
}
