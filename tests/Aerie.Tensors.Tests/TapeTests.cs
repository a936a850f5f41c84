// What a step takes and gives back: memory returns while backward runs, and fifty steps of a small network grow nothing.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests;

[Collection("engine settings")]
public sealed class TapeTests
{
    sealed class Network : IDisposable
    {
        public readonly Parameter Table = New("embedding", 50, 24), Norm = New("norm", 1, 24), GateUp = New("gate_up", 96, 24), Down = New("down", 24, 48),
            Qkv = New("qkv", 48, 24), Out = New("out", 24, 24), Head = New("head", 50, 24);
        readonly RotaryTable rotary = new(RotaryTable.Default(8, 10000));

        static Parameter New(string name, int rows, int cols) => new(name, OpCase.Normal((uint)name.Length, rows, cols, DType.F32, 0.2f), true);

        public Parameter[] All => [Table, Norm, GateUp, Down, Qkv, Out, Head];

        public double Loss(Tape tape, int[] ids)
        {
            var n = ids.Length;
            var x = tape.Embedding(Table, tape.New(ids));
            var qkv = tape.Rope(tape.Linear(tape.RmsNorm(x, Norm, 1e-5f), Qkv), 0, 4, rotary, tape.New([.. Enumerable.Range(0, n)]));
            var intervals = tape.New([.. Enumerable.Range(0, n).SelectMany(r => new[] { 0, r + 1 })]).Reshape(new Shape(n, 2));
            x = tape.LinearAdd(x, tape.Attention(HeadLayout.Fused(3, 1, 8) with { ValueColumn = 40 }, qkv, qkv, intervals), Out);
            x = tape.LinearAdd(x, tape.SwiGlu(tape.Linear(tape.RmsNorm(x, Norm, 1e-5f), GateUp)), Down);
            return tape.LinearCrossEntropy(x, Head, tape.New([.. ids.Skip(1), -1]), tape.New([.. ids.Select(_ => 1f / n)], new Shape(n))).Loss;
        }

        public void Dispose()
        {
            rotary.Dispose();
            foreach (var p in All) p.Dispose();
        }
    }

    static readonly int[] Ids = [.. Enumerable.Range(0, 40).Select(i => i * 7 % 50)];

    [Fact]
    public void Backward_gives_back_what_forward_took()
    {
        using var network = new Network();
        using var tape = new Tape(Kernels.Cpu);
        network.Loss(tape, Ids);
        var forward = tape.Arena.InUse;
        tape.Backward();
        // ids, norm scales, softmax sums and loss rows are all that is left
        Assert.True(tape.Arena.InUse < forward / 8, $"{tape.Arena.InUse} bytes of {forward} are left");
        Assert.True(tape.Arena.HighWater < 2 * forward, $"{tape.Arena.HighWater} bytes at the highest, {forward} after forward");
        tape.Reset();
        Assert.Equal(0, tape.Arena.InUse);
    }

    [Fact]
    public void A_tape_that_does_not_record_needs_no_gradients()
    {
        using var network = new Network();
        using var tape = new Tape(Kernels.Cpu, record: false);
        Assert.InRange(network.Loss(tape, Ids), 3, 6);
        Assert.All(network.All, p => Assert.All(p.Gradient!.ToArray(), g => Assert.Equal(0, g)));
    }

    [Fact]
    public void Training_is_the_same_to_the_bit_on_any_number_of_threads()
    {
        var before = Threads.Count;
        try
        {
            var expected = Train(1);
            Assert.Equal(expected, Train(2));
            Assert.Equal(expected, Train(3));
        }
        finally
        {
            Threads.Count = before;
        }

        static float[] Train(int threads)
        {
            Threads.Count = threads;
            using var network = new Network();
            using var adam = new AdamW(Kernels.Cpu, network.All, new AdamWSettings());
            using var tape = new Tape(Kernels.Cpu);
            for (var step = 0; step < 3; step++)
            {
                tape.Reset();
                network.Loss(tape, [.. Enumerable.Range(0, 400).Select(i => i * 7 % 50)]);
                tape.Backward();
                adam.Update(1e-2, adam.GradientNorm(1), 1, 1);
            }
            return [.. network.All.SelectMany(p => p.Value.ToArray())];
        }
    }

    [Fact]
    public void Fifty_steps_learn_and_grow_nothing()
    {
        using var network = new Network();
        using var adam = new AdamW(Kernels.Cpu, network.All, new AdamWSettings());
        using var tape = new Tape(Kernels.Cpu, new Arena(1 << 20));
        double first = 0, last = 0;
        long native = 0, held = 0, managed = 0;
        for (var step = 0; step < 50; step++)
        {
            if (step == 5) (native, held, managed) = (NativeBytes.Current, tape.Arena.Held, GC.GetAllocatedBytesForCurrentThread());
            tape.Reset();
            last = network.Loss(tape, Ids);
            if (step == 0) first = last;
            tape.Backward();
            adam.Update(1e-2, adam.GradientNorm(1), 1, 1);
        }
        var each = (GC.GetAllocatedBytesForCurrentThread() - managed) / 45;
        Assert.True(last < first / 2, $"loss {first} -> {last}");
        Assert.Equal(held, tape.Arena.Held);
        Assert.Equal(native, NativeBytes.Current);
        Assert.True(each < 64 << 10, $"{each} managed bytes in a step");
        tape.Arena.Dispose();
    }
}
