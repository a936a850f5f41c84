namespace Aerie.Tensors;

/// <summary>One to three dimensions, row-major. Kernels see a matrix: <see cref="Rows"/> (all leading dimensions) by <see cref="Cols"/> (the last).</summary>
public readonly record struct Shape
{
    readonly int a, b, c;

    public Shape(int cols) => (Rank, a, b, c) = (1, Check.Dimension(cols), 1, 1);
    public Shape(int rows, int cols) => (Rank, a, b, c) = (2, Check.Dimension(rows), Check.Dimension(cols), 1);
    public Shape(int outer, int rows, int cols) => (Rank, a, b, c) = (3, Check.Dimension(outer), Check.Dimension(rows), Check.Dimension(cols));

    public int Rank { get; }
    public int this[int axis] => (uint)axis < (uint)Rank ? axis switch { 0 => a, 1 => b, _ => c } : throw new ArgumentOutOfRangeException(nameof(axis));

    public int Rows => Rank switch { 1 => 1, 2 => a, _ => checked(a * b) };
    public int Cols => Rank switch { 1 => a, 2 => b, _ => c };
    public long Count => (long)a * b * c;

    /// <summary>The same shape with another leading dimension.</summary>
    public Shape WithLeading(int n) => Rank switch { 1 => new(n), 2 => new(n, b), _ => new(n, b, c) };

    public override string ToString() => Rank switch { 1 => $"[{a}]", 2 => $"[{a}, {b}]", _ => $"[{a}, {b}, {c}]" };
}
