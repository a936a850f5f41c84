// Routing where values are equal or no numbers, and what may not be asked of it.
using Aerie.Tensors.Cpu;

namespace Aerie.Tensors.Tests;

public sealed class RouteTests
{
    public static TheoryData<bool, int, int, string> Rules => new() { { false, 1, 1, "0 2 3" }, { true, 1, 1, "0 2 3" }, { true, 3, 1, "2 3" }, { true, 2, 2, "0 2 3" } };

    // Logits 5 1 5 5 1 5: of equals the lower index stays. In pairs the group (2, 3) is best.
    [Theory, MemberData(nameof(Rules))]
    public void Of_equal_values_the_lower_index_is_chosen(bool sigmoid, int groups, int kept, string chosen)
    {
        foreach (var kernels in (IKernels[])[Kernels.Reference, CpuKernels.Create(1), Kernels.Cpu])
        {
            using var logits = Tensor.From([5, 1, 5, 5, 1, 5], new Shape(1, 6));
            using var experts = Tensor.Allocate(new Shape(1, chosen.Split(' ').Length), DType.I32);
            using var factors = Tensor.Allocate(experts.Shape);
            kernels.Route(logits, null, new RouteRule(sigmoid, true, groups, kept), experts, factors);
            Assert.Equal(chosen, string.Join(' ', experts.ToInt32Array()));
            Assert.All(factors.ToArray(), f => Assert.Equal(1f / experts.Cols, f, 1e-6));
        }
    }

    [Fact]
    public void What_is_no_number_still_chooses_experts_that_exist_each_once()
    {
        foreach (var rule in (RouteRule[])[new(false, true), new(true, true), new(true, true, 2, 1)])
        {
            using var logits = Tensor.From([float.NaN, float.NaN, 1, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 2], new Shape(1, 8));
            using var experts = Tensor.Allocate(new Shape(1, 4), DType.I32);
            using var factors = Tensor.Allocate(experts.Shape);
            Kernels.Cpu.Route(logits, null, rule, experts, factors);
            var chosen = experts.ToInt32Array();
            Assert.All(chosen, e => Assert.InRange(e, 0, 7));
            Assert.Equal(chosen.Order().Distinct(), chosen);
        }
    }

    [Theory]
    [InlineData(7, 1, 1), InlineData(2, 4, 1), InlineData(2, 6, 3), InlineData(3, 3, 1), InlineData(2, 3, 4), InlineData(2, 0, 1)]
    public void Groups_that_cannot_be_are_refused(int chosen, int groups, int kept)
    {
        using var logits = Tensor.Allocate(new Shape(1, 6));
        using var experts = Tensor.Allocate(new Shape(1, chosen), DType.I32);
        using var factors = Tensor.Allocate(experts.Shape);
        Assert.Throws<ArgumentException>(() => Kernels.Cpu.Route(logits, null, new RouteRule(true, true, groups, kept), experts, factors));
    }

    [Fact]
    public void Rows_are_sorted_by_expert_without_an_allocation()
    {
        using var groups = new RowGroups(5, 4, 2);
        using var experts = Tensor.Allocate(new Shape(3, 2), DType.I32);
        experts.CopyFrom([1, 4, 0, 1, 1, 3]);
        groups.Sort(experts);
        Assert.Equal([0, 1, 4, 4, 5, 6], groups.Starts.ToArray());
        Assert.Equal([1, 0, 1, 2, 2, 0], groups.Sources.ToInt32Array()[..6]);
        Assert.Equal([1, 5, 0, 2, 3, 4], groups.Places.ToInt32Array()[..6]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) groups.Sort(experts);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        experts.CopyFrom([1, 4, 0, 5, 1, 3]);
        Assert.Throws<ArgumentException>(() => groups.Sort(experts));
    }
}
