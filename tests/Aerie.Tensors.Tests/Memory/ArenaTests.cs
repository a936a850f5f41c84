// The arena under random use: blocks never overlap, and when all are back nothing is in pieces.
using FsCheck;
using FsCheck.Fluent;

namespace Aerie.Tensors.Tests.Memory;

public sealed unsafe class ArenaTests
{
    const long Chunk = 1 << 14;

    [Fact]
    public void Rented_blocks_never_overlap_and_come_back_whole()
    {
        // each number: rent that many bytes if positive, return the (−n)th of the blocks that are out if negative
        var commands = Gen.ListOf(Gen.Choose(-20, 3000)).ToArbitrary();
        Prop.ForAll(commands, Holds).QuickCheckThrowOnFailure();
    }

    static bool Holds(IEnumerable<int> commands)
    {
        using var arena = new Arena(Chunk);
        List<(nint Address, long Bytes)> rented = [];
        foreach (var n in commands)
        {
            if (n > 0)
            {
                var address = (nint)arena.Rent(n);
                if (address % 64 != 0 || rented.Any(r => address < r.Address + r.Bytes && r.Address < address + n)) return false;
                rented.Add((address, n));
                new Span<byte>((void*)address, n).Fill((byte)n);
            }
            else if (rented.Count > 0)
            {
                var (address, bytes) = rented[-n % rented.Count];
                if (new Span<byte>((void*)address, (int)bytes).ContainsAnyExcept((byte)bytes)) return false;
                arena.Return((void*)address, bytes);
                rented.RemoveAt(-n % rented.Count);
            }
        }
        foreach (var (address, bytes) in rented) arena.Return((void*)address, bytes);
        // one free block again: a whole chunk can be rented without asking the system
        var (reserved, high) = (arena.Reserved, arena.HighWater);
        if (arena.InUse != 0 || arena.Held < high || arena.Held > reserved) return false;
        if (reserved > 0) arena.Rent(Chunk);
        return arena.Reserved == reserved;
    }

    [Fact]
    public void Memory_of_others_is_refused()
    {
        using var arena = new Arena(Chunk);
        using var elsewhere = Tensor.Allocate(new Shape(8));
        Assert.Throws<ArgumentException>(() => arena.Return(elsewhere.Address, 8));
    }
}
