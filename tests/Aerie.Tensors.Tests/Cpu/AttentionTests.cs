// Fast attention against the plain loops, for every width of lanes; bits that do not depend on company or threads.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests.Cpu;

[Collection("engine settings")]
public sealed class AttentionTests : IDisposable
{
    readonly int threads = Threads.Count;

    public void Dispose() => Threads.Count = threads;

    static IKernels Lanes(int width) => CpuKernels.Create(width);

    public static TheoryData<int, int, int, string, int> Shapes()
    {
        var data = new TheoryData<int, int, int, string, int>();
        // heads, key heads, d, rows and intervals, chain
        (int, int, int, string, int)[] shapes =
        [
            (1, 1, 4, "causal 5", 0), (2, 1, 6, "causal 70", 2), (3, 3, 7, "causal 40", 1), (4, 1, 32, "causal 200", 0), (9, 3, 64, "causal 130", 3),
            (8, 1, 16, "window 150 20", 1), (6, 2, 50, "documents", 0), (6, 2, 48, "documents", 7), (2, 2, 128, "causal 90", 0), (2, 1, 256, "causal 66", 1),
            (4, 2, 80, "window 300 65", 0), (3, 1, 64, "tail 3 700", 0), (4, 4, 64, "tail 1 1000", 2), (8, 2, 64, "tail 40 333", 0),
            (2, 1, 8, "empty", 3), (2, 1, 8, "empty", 0), (2, 1, 8, "none", 1), (16, 1, 12, "causal 33", 70), (150, 1, 8, "causal 9", 1), (3, 1, 1, "causal 70", 2), (20, 1, 576, "tail 3 90", 0),
        ];
        foreach (var (heads, keyHeads, d, rows, chain) in shapes) data.Add(heads, keyHeads, d, rows, chain);
        return data;
    }

    static AttentionCase Make(int heads, int keyHeads, int d, string rows, int chain, Func<HeadLayout, HeadLayout>? change = null)
    {
        var layout = HeadLayout.Fused(heads, keyHeads, d);
        if (change is not null) layout = change(layout);
        var words = rows.Split(' ');
        int Number(int i) => int.Parse(words[i], null);
        return words[0] switch
        {
            "causal" => new(layout, Number(1), AttentionCase.Causal(Number(1)), chain),
            "window" => new(layout, Number(1), AttentionCase.Causal(Number(1), 0, Number(2)), chain),
            "tail" => new(layout, Number(2), [.. Enumerable.Range(Number(2) - Number(1), Number(1)).Select(t => (3, t + 1))], chain),
            "documents" => new(layout, 200, [.. AttentionCase.Causal(70), .. AttentionCase.Causal(5, 70), (80, 80), .. AttentionCase.Causal(100, 90)], chain),
            "empty" => new(layout, 10, [(0, 0), (3, 3), (0, 2), (10, 10)], chain),
            _ => new(layout, 10, [], chain),
        };
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Forward_equals_the_plain_loops(int heads, int keyHeads, int d, string rows, int chain)
    {
        using var problem = Make(heads, keyHeads, d, rows, chain);
        var (y, logSumExp) = problem.Forward(Kernels.Reference);
        foreach (var width in new[] { 1, 4, 8, 16 })
        {
            var (fastY, fastSums) = problem.Forward(Lanes(width));
            Assert.True(AttentionCase.Error(fastY, y) < 1e-11, $"{width} lanes: y {AttentionCase.Error(fastY, y)}");
            Assert.True(AttentionCase.Error(fastSums, logSumExp) < 1e-12, $"{width} lanes: log-sum-exp");
            Assert.DoesNotContain(fastY, float.IsNaN);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Caps_sinks_and_another_scale_equal_the_plain_loops(int heads, int keyHeads, int d, string rows, int chain)
    {
        using var problem = Make(heads, keyHeads, d, rows, chain, layout => layout with { Scale = 0.3f, SoftCap = d % 3 == 0 ? 0 : 1.5f });
        problem.Sinks = problem.Fill(1, heads).Reshape(new Shape(heads));
        var (y, logSumExp) = problem.Forward(Kernels.Reference);
        foreach (var width in new[] { 1, 4, 8, 16 })
        {
            var (fastY, fastSums) = problem.Forward(Lanes(width));
            Assert.True(AttentionCase.Error(fastY, y) < 1e-11, $"{width} lanes: y {AttentionCase.Error(fastY, y)}");
            Assert.True(AttentionCase.Error(fastSums, logSumExp) < 1e-12, $"{width} lanes: log-sum-exp");
            Assert.DoesNotContain(fastY, float.IsNaN);
        }
    }

    [Fact]
    public void A_cap_has_no_backward_pass()
    {
        using var tape = new Tape(Lanes(16));
        var layout = HeadLayout.Fused(1, 1, 8) with { SoftCap = 2 };
        var x = tape.New(3, 24);
        x.NeedsGradient = true;
        Assert.Throws<ArgumentException>(() => tape.Attention(layout, x, x, tape.New([0, 1, 0, 2, 0, 3]).Reshape(new Shape(3, 2))));
        using var problem = new AttentionCase(layout, 3, AttentionCase.Causal(3), 0);
        problem.Forward(Lanes(16));
        foreach (var kernels in new[] { Kernels.Reference, Lanes(16) })
            Assert.Throws<ArgumentException>(() => problem.Backward(kernels, problem.Y));
    }

    [Theory, MemberData(nameof(Shapes))]
    public void Backward_equals_the_plain_loops(int heads, int keyHeads, int d, string rows, int chain)
    {
        using var problem = Make(heads, keyHeads, d, rows, chain);
        var dy = problem.Fill(problem.Queries.Rows, heads * d);
        problem.Forward(Kernels.Reference);
        var expected = problem.Backward(Kernels.Reference, dy);
        foreach (var width in new[] { 1, 4, 8, 16 })
        {
            var gradients = problem.Backward(Lanes(width), dy);
            for (var i = 0; i < gradients.Length; i++)
                Assert.True(AttentionCase.Error(gradients[i], expected[i]) < 1e-11, $"{width} lanes, gradient {i}: {AttentionCase.Error(gradients[i], expected[i])}");
        }
    }

    [Fact]
    public void Gradients_do_not_depend_on_threads()
    {
        using var problem = Make(9, 3, 64, "causal 300", 3);
        var dy = problem.Fill(problem.Queries.Rows, 9 * 64);
        var kernels = Lanes(16);
        problem.Forward(kernels);
        Threads.Count = 1;
        var one = problem.Backward(kernels, dy);
        foreach (var count in new[] { 2, 3 })
        {
            Threads.Count = count;
            Assert.Equal(one, problem.Backward(kernels, dy));
        }
    }

    [Theory]
    [InlineData(9, 3, 64, 0, 0), InlineData(4, 4, 20, 2, 0), InlineData(32, 8, 64, 1, 0), InlineData(2, 1, 128, 0, 0)]
    [InlineData(4, 2, 24, 1, 1.5)]
    public unsafe void A_row_has_the_same_bits_alone_and_in_any_company(int heads, int keyHeads, int d, int chain, float cap)
    {
        var layout = HeadLayout.Fused(heads, keyHeads, d) with { SoftCap = cap };
        var intervals = AttentionCase.Causal(700, 0, cap > 1 ? 150 : int.MaxValue);
        using var problem = new AttentionCase(layout, 700, intervals, chain);
        if (cap > 0) problem.Sinks = problem.Fill(1, heads).Reshape(new Shape(heads));
        foreach (var width in new[] { 4, 8, 16 })
        {
            var kernels = Lanes(width);
            Threads.Count = 1;
            var (all, sums) = problem.Forward(kernels);
            foreach (var count in new[] { 1, 2, 3 })
            {
                Threads.Count = count;
                Assert.Equal(all, problem.Forward(kernels).Y);
                foreach (var (first, rows) in new[] { (0, 1), (63, 1), (64, 2), (300, 4), (511, 1), (690, 8), (699, 1), (500, 150) })
                {
                    ChainKeys[] own = [.. problem.Chain.Select(link => new ChainKeys(link.KeysAndValues, Tensor.From(link.Rows.ToInt32Array().AsSpan(first, rows))))];
                    using var y = Tensor.Allocate(new Shape(rows, heads * d));
                    using var some = Tensor.From(problem.Intervals.ToInt32Array().AsSpan(2 * first, 2 * rows));
                    kernels.Attention(layout, problem.Queries.Slice(first, rows), problem.Keys, problem.Keys, some, own, y, null, problem.Sinks);
                    Assert.Equal(all.AsSpan(first * heads * d, rows * heads * d).ToArray(), y.ToArray());
                }
            }
        }
    }

    [Fact]
    public void Keys_outside_the_interval_do_not_matter_even_if_they_are_not_numbers()
    {
        using var problem = new AttentionCase(HeadLayout.Fused(4, 2, 24), 200, [(70, 100), (70, 101), (75, 130)], 0);
        var clean = problem.Forward(Lanes(16)).Y;
        var values = problem.Keys.ToArray();
        var cols = problem.Keys.Cols;
        values.AsSpan(0, 70 * cols).Fill(float.NaN);
        values.AsSpan(130 * cols).Fill(float.PositiveInfinity);
        problem.Keys.CopyFrom(values);
        Assert.Equal(clean, problem.Forward(Lanes(16)).Y);
    }

    [Fact]
    public void A_call_allocates_nothing()
    {
        using var problem = new AttentionCase(HeadLayout.Fused(4, 2, 32), 600, [.. AttentionCase.Causal(600).Skip(597)], 2);
        var kernels = Lanes(16);
        for (var i = 0; i < 3; i++) kernels.Attention(problem.Layout, problem.Queries, problem.Keys, problem.Keys, problem.Intervals, problem.Chain, problem.Y, null);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) kernels.Attention(problem.Layout, problem.Queries, problem.Keys, problem.Keys, problem.Intervals, problem.Chain, problem.Y, null);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void An_interval_outside_the_keys_is_refused()
    {
        using var problem = new AttentionCase(HeadLayout.Fused(1, 1, 8), 10, [(0, 11)], 0);
        Assert.Throws<ArgumentException>(() => problem.Forward(Lanes(16)));
    }
}
