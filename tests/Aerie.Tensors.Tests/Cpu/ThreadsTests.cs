// The thread pool: every item once, exceptions travel, nesting is sequential, nothing is allocated. Tests that set the number of threads share a
// collection, for the number is the process's.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests.Cpu;

/// <summary>Tests that change process-wide settings of the engine run one after another.</summary>
[CollectionDefinition("engine settings", DisableParallelization = true)]
public sealed class EngineSettings;

[Collection("engine settings")]
public sealed class ThreadsTests : IDisposable
{
    readonly int _before = Threads.Count;

    public void Dispose() => Threads.Count = _before;

    struct Counting(int[] seen) : IParallelBody
    {
        public readonly void Invoke(int begin, int end)
        {
            for (int i = begin; i < end; i++)
                Interlocked.Increment(ref seen[i]);
        }
    }

    struct Nested(int[] seen, int width) : IParallelBody
    {
        public readonly void Invoke(int begin, int end)
        {
            for (int i = begin; i < end; i++)
            {
                var part = new Counting(seen);
                int thread = Environment.CurrentManagedThreadId;
                Threads.For(width, ref part);
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
            }
        }
    }

    struct Failing : IParallelBody
    {
        public readonly void Invoke(int begin, int end)
        {
            if (end > 50)
                throw new FormatException("as planned");
        }
    }

    struct Sum(double[] parts) : IParallelBody
    {
        public readonly void Invoke(int begin, int end) => parts[begin] = end - begin;
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(7)]
    public void Every_item_is_done_once(int threads)
    {
        Threads.Count = threads;
        foreach (int items in new[] { 0, 1, 2, 3, 5, 16, 17, 100, 1000 })
        {
            for (int round = 0; round < 50; round++)
            {
                int[] seen = new int[items];
                var body = new Counting(seen);
                Threads.For(items, ref body, grain: 1 + round % 5);
                Assert.All(seen, count => Assert.Equal(1, count));
            }
        }
    }

    [Fact]
    public void Nested_loops_stay_on_their_thread()
    {
        Threads.Count = 3;
        int[] seen = new int[40];
        var body = new Nested(seen, 40);
        Threads.For(20, ref body);
        Assert.All(seen, count => Assert.Equal(20, count));
    }

    [Fact]
    public void An_exception_reaches_the_caller_and_the_pool_goes_on()
    {
        Threads.Count = 3;
        var body = new Failing();
        for (int i = 0; i < 20; i++)
            Assert.Throws<FormatException>(() => Threads.For(100, ref body));
        Every_item_is_done_once(3);
    }

    [Fact]
    public void Loops_of_several_callers_at_once_are_all_done()
    {
        Threads.Count = 3;
        Parallel.For(0, 8, _ =>
        {
            for (int round = 0; round < 200; round++)
            {
                int[] seen = new int[50];
                var body = new Counting(seen);
                Threads.For(50, ref body);
                Assert.All(seen, count => Assert.Equal(1, count));
            }
        });
    }

    [Fact]
    public void A_loop_allocates_nothing()
    {
        Threads.Count = 2;
        double[] parts = new double[1000];
        var body = new Sum(parts);
        Threads.For(1000, ref body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Threads.For(1000, ref body);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
