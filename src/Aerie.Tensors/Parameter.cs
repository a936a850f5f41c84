// A parameter is a named tensor with its gradient. Matrix products read it packed; the packed copies are kept until the value changes.
namespace Aerie.Tensors;

/// <summary>A weight of a model. Owner: the model. f32 when trained (the master), f32 or bf16 when frozen.</summary>
public sealed class Parameter : IDisposable
{
    readonly Func<Tensor>? read;
    Tensor? value;
    bool released;
    readonly Dictionary<(int Column, int Columns, bool Transposed), IDisposable> packed = [];

    public Parameter(string name, Tensor value, bool trainable = false, Precision precision = Precision.F32)
    {
        Check.That(!trainable || value.DType == DType.F32, $"{name}: a trained parameter is f32, not {value}");
        (Name, this.value, Rows, Cols, Trainable, Precision) = (name, value, value.Rows, value.Cols, trainable, precision);
        if (trainable) Gradient = Tensor.Allocate(value.Shape);
    }

    /// <summary>A frozen weight that is read when it is first used: a whole model can be declared before a byte of it is in memory.</summary>
    /// <param name="name">Name.</param>
    /// <param name="rows">Rows; 1 for a vector.</param>
    /// <param name="cols">Columns.</param>
    /// <param name="read">Gives the value: f32 or bf16, owned by the parameter.</param>
    /// <param name="precision">How products read it.</param>
    public Parameter(string name, int rows, int cols, Func<Tensor> read, Precision precision = Precision.F32)
        => (Name, this.read, Rows, Cols, Precision) = (name, read, rows, cols, precision);

    public string Name { get; }

    /// <summary>The value; gone once it was packed, when <see cref="ReleasedWhenPacked"/>.</summary>
    public Tensor Value
    {
        get
        {
            if (released) throw new ObjectDisposedException(Name, "only the packed copy is kept");
            if (value is not null) return value;
            lock (packed) return value ??= read!();
        }
    }

    /// <summary>Frozen weights that only matrix products read: after the first packing the value itself is freed, so that it is not held twice.</summary>
    public bool ReleasedWhenPacked { get; init; }

    public bool Trainable { get; }
    public Precision Precision { get; }

    /// <summary>Accumulated d loss / d value, f32, same shape; null when frozen. Cleared by the optimizer.</summary>
    public Tensor? Gradient { get; }

    public int Rows { get; }
    public int Cols { get; }

    /// <summary>Grows with every change of the value; packed copies of older versions are packed anew.</summary>
    public int Version { get; private set; }

    /// <summary>To be called by whoever wrote to <see cref="Value"/>.</summary>
    public void MarkChanged() => Version++;

    /// <summary>Columns [begin, begin + count) as a matrix of their own: W = [W_e | W_h].</summary>
    public Columns Columns(int begin, int count)
    {
        Check.That(begin >= 0 && count > 0 && begin + count <= Cols, $"columns {begin}..{begin + count} of {this}");
        return new(this, begin, count);
    }

    public static implicit operator Columns(Parameter p) => new(p, 0, p.Cols);

    /// <summary>The packed form of some columns that a backend keeps here, made by <paramref name="make"/> at the first use.</summary>
    internal T Packed<T>(Columns columns, bool transposed, Func<Columns, bool, T> make) where T : class, IDisposable
    {
        var key = (columns.Begin, columns.Count, transposed);
        lock (packed)
        {
            if (packed.TryGetValue(key, out var found)) return (T)found;
            var made = make(columns, transposed);
            packed.Add(key, made);
            if (ReleasedWhenPacked && !Trainable)
            {
                released = true;
                value?.Dispose();
            }
            return made;
        }
    }

    public void Dispose()
    {
        foreach (var p in packed.Values) p.Dispose();
        packed.Clear();
        Gradient?.Dispose();
        value?.Dispose();
    }

    public override string ToString() => $"{Name} [{Rows}, {Cols}]";
}

/// <summary>A range of a parameter's columns; a whole parameter converts by itself.</summary>
public readonly record struct Columns(Parameter Parameter, int Begin, int Count)
{
    public int Rows => Parameter.Rows;
    public Precision Precision => Parameter.Precision;
}
