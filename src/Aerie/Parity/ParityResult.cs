// The comparison of one named quantity of a case: how far it is from what was recorded, and how far it may be.
namespace Aerie.Parity;

/// <summary>One line of `aerie parity`.</summary>
/// <param name="Name">The tensor's name in the case.</param>
/// <param name="Count">How many values were compared.</param>
/// <param name="LargestError">The largest |got - want|; infinite where one is not a number and the other is.</param>
/// <param name="Tolerance">The rule that holds for the name.</param>
/// <param name="Within">No value is further off than allowed.</param>
/// <param name="Note">What is wrong where there is no number for it (a shape, a text), or a remark; else null.</param>
public sealed record ParityResult(string Name, long Count, double LargestError, Tolerance Tolerance, bool Within, string? Note = null)
{
    /// <summary>What <see cref="LargestError"/> measures: an error, or a cost.</summary>
    public string Measure { get; init; } = "error";

    /// <summary>A quantity that is wrong in a way that has no distance: a shape, a missing tensor.</summary>
    public static ParityResult Wrong(string name, string what) => new(name, 0, double.PositiveInfinity, Tolerance.Exact, false, what);

    /// <summary>Something of the case that this version does not compute and says so; it does not fail.</summary>
    public static ParityResult NotChecked(string name, string why) => new(name, 0, 0, Tolerance.Exact, true, $"not checked: {why}");

    internal static ParityResult Compare<T>(string name, ReadOnlySpan<T> got, ReadOnlySpan<T> want, Tolerance tolerance, Func<T, T, double> distance, Func<T, double> magnitude)
    {
        if (got.Length != want.Length) return Wrong(name, $"{got.Length} values where the case has {want.Length}");
        double largest = 0;
        var (worst, worstRatio) = (-1, 0.0);
        for (var i = 0; i < got.Length; i++)
        {
            var error = distance(got[i], want[i]);
            if (error == 0) continue;
            largest = Math.Max(largest, error);
            var ratio = error / tolerance.At(magnitude(want[i]));
            if (double.IsNaN(ratio)) ratio = double.PositiveInfinity;   // inf / inf
            if (ratio > worstRatio) (worst, worstRatio) = (i, ratio);
        }
        var within = worstRatio <= 1;
        return new(name, got.Length, largest, tolerance, within, within ? null : $"value {worst}: {got[worst]} where the case has {want[worst]}");
    }
}
