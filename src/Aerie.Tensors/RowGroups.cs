// The rows of a pass sorted by the expert that is to see them (a counting sort by the host): one run of rows for each expert, in ascending order of the rows.
namespace Aerie.Tensors;

/// <summary>Which of R rows each of E experts sees, k experts a row. Used again and again: sorting allocates nothing.</summary>
public sealed class RowGroups : IDisposable
{
    readonly int[] starts, at, chosen, sources, places;

    /// <param name="groups">Experts, E.</param>
    /// <param name="rows">Most rows, R.</param>
    /// <param name="each">Experts of a row, k.</param>
    public RowGroups(int groups, int rows, int each)
    {
        Check.That(groups > 0 && each > 0 && each <= groups && rows >= 0, $"{rows} rows, {each} of {groups} groups");
        (Each, starts, at) = (each, new int[groups + 1], new int[groups]);
        var pairs = checked(rows * each);
        (chosen, sources, places) = (new int[pairs], new int[pairs], new int[pairs]);
        (Sources, Places) = (Tensor.Allocate(new Shape(pairs), DType.I32), Tensor.Allocate(new Shape(rows, each), DType.I32));
    }

    /// <summary>Experts of a row, k.</summary>
    public int Each { get; }

    /// <summary>Grouped rows: R k.</summary>
    public int Count { get; private set; }

    /// <summary>Expert e sees the grouped rows [Starts[e], Starts[e + 1]).</summary>
    public ReadOnlySpan<int> Starts => starts;

    /// <summary>i32: the row that a grouped row is a copy of.</summary>
    internal Tensor Sources { get; }

    /// <summary>i32 [rows, k]: where the copies of a row are, in the order of its experts.</summary>
    internal Tensor Places { get; }

    /// <summary>Sorts; <paramref name="experts"/> i32 [R, k] as <see cref="IKernels.Route"/> gives them.</summary>
    public void Sort(Tensor experts)
    {
        Count = checked((int)experts.Count);
        Check.That(experts.Cols == Each && Count <= chosen.Length, $"{experts} for at most {chosen.Length} pairs of {Each} to a row");
        experts.CopyTo(chosen.AsSpan(0, Count));
        Array.Clear(starts);
        for (var i = 0; i < Count; i++)
        {
            Check.That((uint)chosen[i] < (uint)at.Length, $"expert {chosen[i]} of {at.Length}");
            starts[chosen[i] + 1]++;
        }
        for (var e = 0; e < at.Length; e++)
        {
            at[e] = starts[e];
            starts[e + 1] += starts[e];
        }
        for (var i = 0; i < Count; i++)
        {
            places[i] = at[chosen[i]]++;
            sources[places[i]] = i / Each;
        }
        sources.AsSpan(0, Count).CopyTo(Sources.I32);
        places.AsSpan(0, Count).CopyTo(Places.I32);
    }

    public void Dispose()
    {
        Sources.Dispose();
        Places.Dispose();
    }
}
