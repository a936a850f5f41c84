// Machine code of our own: assembled with Iced into anonymous memory that is first writable, then executable, never both.
using System.Runtime.InteropServices;
using Iced.Intel;

namespace Aerie.Tensors.Cpu;

/// <summary>Linux on x64 (System V calls) only; elsewhere, or where the system forbids executable memory, there is no code and the caller does without.</summary>
static unsafe partial class ExecutableMemory
{
    const int ReadWrite = 3, ReadExecute = 5, PrivateAnonymous = 0x22;

    /// <summary>Places the code for the life of the process; null where that is not possible.</summary>
    public static void* Place(Assembler code)
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return null;
        using var stream = new MemoryStream();
        code.Assemble(new StreamCodeWriter(stream), 0);
        byte[] bytes = stream.ToArray();
        void* memory = Map(null, (nuint)bytes.Length, ReadWrite, PrivateAnonymous, -1, 0);
        if ((nint)memory == -1)
            return null;
        bytes.CopyTo(new Span<byte>(memory, bytes.Length));
        if (Protect(memory, (nuint)bytes.Length, ReadExecute) == 0)
            return memory;
        _ = Unmap(memory, (nuint)bytes.Length);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
