// The tensors that a network needs, by the names they have on disk. A family first declares them all; whatever is missing, left over or of another shape is told in one error; then each is read
// when it is needed, into memory of ours.
using System.Text;
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>One tensor of a network.</summary>
/// <param name="Name">Name on disk.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Optional">It may be absent.</param>
public readonly record struct WeightSlot(string Name, IReadOnlyList<int> Shape, bool Optional = false)
{
    /// <summary>A matrix.</summary>
    public WeightSlot(string name, int rows, int cols, bool Optional = false) : this(name, [rows, cols], Optional) { }

    /// <summary>A vector.</summary>
    public static WeightSlot Vector(string name, int length, bool optional = false) => new(name, [length], optional);

    /// <summary>Numbers in a byte of a packed form (0: bytes of its scales); null: it holds floating-point numbers.</summary>
    internal int? PerByte { get; init; }

    /// <summary>Numbers in it.</summary>
    public long Count => Shape.Aggregate((long)(PerByte ?? 1), (product, n) => product * n);

    internal bool Fits(SafetensorsEntry entry) => entry.Shape.SequenceEqual(Shape.Select(n => (long)n));

    internal string ShapeText => $"[{string.Join(", ", Shape)}]";
}

/// <summary>A checkpoint as a network asks for it.</summary>
public sealed class WeightTable
{
    const int MostListed = 8;
    readonly SafetensorsFolder? files;
    readonly Func<string, string?> canonical;
    readonly Dictionary<string, string> found = [];
    readonly List<WeightSlot> slots = [];
    readonly List<Parameter> parameters = [];
    readonly List<IReadOnlyList<WeightSlot>> sources = [];     // of each parameter
    readonly List<string> ignored = [];

    /// <param name="files">The checkpoint; null: nothing is to be read, only to be declared.</param>
    /// <param name="precision">How products read the weights; null: bf16 where the largest tensor is in bf16, fp8 or fp4, else f32.</param>
    /// <param name="canonical">The name that the family uses for a name in the file; null: to be ignored.</param>
    public WeightTable(SafetensorsFolder? files, Precision? precision, Func<string, string?> canonical)
    {
        (this.files, this.canonical) = (files, name => QuantizedWeights.IsScale(name) ? null : canonical(name));
        foreach (var name in files?.Names ?? [])
            if (this.canonical(name) is { } used) found.TryAdd(used, name);
        Precision = precision ?? (files?.Entries.MaxBy(e => e.ByteLength)?.Type is SafetensorsType.BF16 or SafetensorsType.F8E4M3 or SafetensorsType.U8 ? Precision.BF16 : Precision.F32);
    }

    /// <summary>How products read the weights.</summary>
    public Precision Precision { get; }

    /// <summary>What was declared, in order.</summary>
    public IReadOnlyList<WeightSlot> Slots => slots;

    /// <summary>The parameters made of it.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>Is the tensor in the checkpoint?</summary>
    public bool Has(string name) => found.ContainsKey(name);

    /// <summary>Bytes of a tensor on disk; null where it is not there.</summary>
    public long? BytesOnDisk(string name) => found.TryGetValue(name, out var inFile) ? files!.Get(inFile).ByteLength : null;

    /// <summary>Declares a tensor that may be there and is not read.</summary>
    public void Allow(WeightSlot slot) => slots.Add(slot with { Optional = true });

    /// <summary>Tensors whose names begin so are of no use.</summary>
    public void Ignore(string prefix) => ignored.Add(prefix);

    /// <summary>A matrix that is kept as it is: an embedding, a head.</summary>
    public Parameter Matrix(string name, int rows, int cols) => Declare(name, rows, cols, [new WeightSlot(name, rows, cols)], () => ReadStack(cols, [name]));

    /// <summary>The weight of a product x Wᵀ: some matrices of equal width, one under the other. Only its packed form stays in memory.</summary>
    /// <param name="cols">Width.</param>
    /// <param name="parts">Names, without `.weight`, and rows.</param>
    public Parameter Product(int cols, params ReadOnlySpan<(string Name, int Rows)> parts)
    {
        string[] names = [.. parts.ToArray().Select(p => $"{p.Name}.weight")];
        return Declare(string.Join('+', names), parts.ToArray().Sum(p => p.Rows), cols, [.. parts.ToArray().Select(p => new WeightSlot($"{p.Name}.weight", p.Rows, cols))],
            () => ReadStack(cols, names), true);
    }

    /// <summary>The weight of a product that is taken in f32 whatever the others are: a router's, where a rounded logit would choose another expert.</summary>
    public Parameter ExactProduct(string name, int rows, int cols) => Declare(name, rows, cols, [new WeightSlot(name, rows, cols)], () => ReadStack(cols, [name]), true, Precision.F32);

    /// <summary>The biases of some products, one after the other, in f32.</summary>
    /// <param name="parts">Names, without `.bias`, and lengths.</param>
    public Parameter Bias(params ReadOnlySpan<(string Name, int Rows)> parts)
    {
        string[] names = [.. parts.ToArray().Select(p => $"{p.Name}.bias")];
        var lengths = parts.ToArray().Select(p => p.Rows).ToArray();
        return Declare(string.Join('+', names), 1, lengths.Sum(), [.. names.Zip(lengths, (name, n) => WeightSlot.Vector(name, n))], () =>
        {
            var values = new float[lengths.Sum()];
            for (int i = 0, at = 0; i < names.Length; at += lengths[i++]) Read(names[i], 0, values.AsSpan(at, lengths[i]));
            return Tensor.From(values, new Shape(values.Length));
        });
    }

    /// <summary>A norm's weight or the like, in f32; <paramref name="plus"/> is added to every number (norms that multiply by 1 + w).</summary>
    public Parameter Vector(string name, int length, float plus = 0) => Declare(name, 1, length, [WeightSlot.Vector(name, length)], () =>
    {
        var values = new float[length];
        Read(name, 0, values);
        if (plus != 0)
            for (var i = 0; i < values.Length; i++) values[i] += plus;
        return Tensor.From(values, new Shape(length));
    });

    /// <summary>A parameter that is made of some tensors in a way of its own.</summary>
    /// <param name="name">Its name in messages.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="cols">Columns.</param>
    /// <param name="from">The tensors on disk.</param>
    /// <param name="make">Makes the value, with <see cref="Read(string, long, Span{float})"/>.</param>
    /// <param name="product">It is the weight of products alone: only its packed form stays in memory.</param>
    /// <param name="precision">How products read it; null: as all.</param>
    public Parameter Declare(string name, int rows, int cols, IReadOnlyList<WeightSlot> from, Func<Tensor> make, bool product = false, Precision? precision = null)
    {
        slots.AddRange(from);
        var parameter = new Parameter(name, rows, cols, make, precision ?? Precision) { ReleasedWhenPacked = product };
        parameters.Add(parameter);
        sources.Add(from);
        return parameter;
    }

    /// <summary>Reads numbers of a tensor, from number <paramref name="from"/> of it on, as f32.</summary>
    public void Read(string name, long from, Span<float> to)
    {
        const int Piece = 1 << 20;
        var (inFile, entry) = (found[name], files!.Get(found[name]));
        var size = entry.Type.ByteSize();
        for (var at = 0; at < to.Length; at += Piece)
        {
            var part = to.Slice(at, Math.Min(Piece, to.Length - at));
            entry.Type.Widen(files.Bytes(inFile, (from + at) * size, part.Length * size), part);
        }
        if (entry.Type == SafetensorsType.F8E4M3) QuantizedWeights.Scale(files, entry, from, to);
    }

    /// <summary>Reads bytes of a packed form, from byte <paramref name="from"/> of it on.</summary>
    public void ReadBytes(string name, long from, Span<byte> to) => files!.Bytes(found[name], from, to.Length).CopyTo(to);

    /// <summary>Brings all parameters into the form in which they are used, one by one, so that none is in memory twice. What is looked up row by row stays where it lies in the mapped
    /// file, which must therefore outlive the parameters.</summary>
    public void Prepare(IKernels kernels)
    {
        foreach (var (parameter, from) in parameters.Zip(sources))
        {
            if (!parameter.ReleasedWhenPacked)
            {
                _ = parameter.Value;
                continue;
            }
            kernels.Prepare(parameter);
            foreach (var slot in from) files!.Forget(found[slot.Name]);
        }
    }

    /// <summary>Do two tensors hold the same bytes?</summary>
    public bool SameValues(string a, string b)
    {
        if (files is null || !Has(a) || !Has(b)) return false;
        var (first, second) = (files.Get(found[a]), files.Get(found[b]));
        if (first.Type != second.Type || first.ByteLength != second.ByteLength) return false;
        const int Piece = 1 << 24;
        for (long at = 0; at < first.ByteLength; at += Piece)
        {
            var count = (int)Math.Min(Piece, first.ByteLength - at);
            if (!files.Bytes(found[a], at, count).SequenceEqual(files.Bytes(found[b], at, count))) return false;
        }
        return true;
    }

    /// <summary>Compares what was declared with what is there.</summary>
    /// <exception cref="AerieException">Tensors are missing, unexpected, of another shape or type: all of them are named.</exception>
    public void Check()
    {
        bool Used(string name) => !ignored.Exists(p => name.StartsWith(p, StringComparison.Ordinal));
        Match(files!, slots, name => canonical(name) is { } used && Used(used) ? used : null);
        foreach (var name in found.Values)
            if (files!.Get(name) is { Type: SafetensorsType.F8E4M3 } entry) QuantizedWeights.Check(files, entry);
    }

    // bf16 stays as it is; all else is widened.
    Tensor ReadStack(int cols, string[] names)
    {
        string[] stored = [.. names.Select(n => found[n])];
        var rows = checked((int)stored.Sum(s => files!.Get(s).Count / cols));
        if (stored is [var single] && files!.View(single, new Shape(rows, cols)) is { } view) return view;
        if (stored.All(s => files!.Get(s).Type == SafetensorsType.BF16)) return Stack(files!, DType.BF16, cols, stored);
        var stacked = Tensor.ToBeFilled(new Shape(rows, cols));
        var piece = new float[Math.Max(1, (1 << 22) / cols) * cols];
        var row = 0;
        foreach (var name in names)
        {
            var count = files!.Get(found[name]).Count;
            for (long at = 0; at < count; at += piece.Length)
            {
                var part = piece.AsSpan(0, (int)Math.Min(piece.Length, count - at));
                Read(name, at, part);
                stacked.Slice(row, part.Length / cols).CopyFrom(part);
                row += part.Length / cols;
            }
        }
        return stacked;
    }

    /// <summary>Compares names and shapes; <paramref name="nameOf"/> gives the name of a slot for a name in the file (null: to be ignored).</summary>
    /// <returns>For every slot that is there: the name in the file.</returns>
    /// <exception cref="AerieException">Tensors are missing, unexpected, of another shape or type: all of them are named.</exception>
    public static Dictionary<string, string> Match(SafetensorsFolder files, IEnumerable<WeightSlot> slots, Func<string, string?> nameOf)
    {
        var found = new Dictionary<string, string>();
        var twice = new List<string>();
        foreach (var inFile in files.Names)
            if (nameOf(inFile) is { } name && !found.TryAdd(name, inFile)) twice.Add($"{inFile} and {found[name]}");
        List<string> missing = [], misshaped = [];
        var known = new HashSet<string>();
        foreach (var slot in slots)
        {
            known.Add(slot.Name);
            if (!found.TryGetValue(slot.Name, out var inFile))
            {
                if (!slot.Optional) missing.Add($"{slot.Name} {slot.ShapeText}");
                continue;
            }
            var entry = files.Get(inFile);
            if (!slot.Fits(entry)) misshaped.Add($"{entry} should be {slot.ShapeText}");
            else if (slot.PerByte is not null && entry.Type != SafetensorsType.U8) misshaped.Add($"{entry} should hold bytes");
            else if (slot.PerByte is null && !entry.Type.IsFloat()) misshaped.Add($"{entry} should hold floating-point numbers");
        }
        var unexpected = found.Where(f => !known.Contains(f.Key)).Select(f => f.Value).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + misshaped.Count + unexpected.Count + twice.Count == 0) return found;
        var text = new StringBuilder($"{files.Path}: the weights do not fit the config");
        foreach (var (what, list) in new[] { ("missing", missing), ("of another shape", misshaped), ("unexpected", unexpected), ("there twice", twice) })
            if (list.Count > 0) text.Append($"; {what} ({list.Count}): {string.Join(", ", list.Take(MostListed))}{(list.Count > MostListed ? ", ..." : "")}");
        throw new AerieException(text.ToString(), "Is config.json of the same checkpoint? Is a shard missing?");
    }

    /// <summary>Reads a tensor into rows of ours, converting its type.</summary>
    public static void Read(SafetensorsFolder files, string nameInFile, Tensor to)
    {
        const int Piece = 1 << 22;                              // elements: scratch stays small, and a span stays below 2 GiB
        var entry = files.Get(nameInFile);
        if (entry.Count != to.Count) throw new ArgumentException($"{entry} into {to}");
        var flat = to.Reshape(new Shape(checked((int)to.Count)));
        var scratch = entry.Type == SafetensorsType.BF16 && to.DType == DType.BF16 ? [] : new float[Math.Min(Piece, to.Count)];
        var size = entry.Type.ByteSize();
        for (var begin = 0; begin < flat.Count; begin += Piece)
        {
            var count = (int)Math.Min(Piece, flat.Count - begin);
            var bytes = files.Bytes(nameInFile, (long)begin * size, count * size);
            var part = flat.Slice(begin, count);
            if (scratch.Length == 0) part.CopyFromBytes(bytes);
            else
            {
                entry.Type.Widen(bytes, scratch.AsSpan(0, count));
                part.CopyFrom(scratch.AsSpan(0, count));
            }
        }
    }

    /// <summary>Some tensors of equal width, one under the other, as one.</summary>
    public static Tensor Stack(SafetensorsFolder files, DType dtype, int cols, params ReadOnlySpan<string> namesInFile)
    {
        long rows = 0;
        foreach (var name in namesInFile) rows += files.Get(name).Count / cols;
        var stacked = Tensor.ToBeFilled(new Shape(checked((int)rows), cols), dtype);
        var at = 0;
        foreach (var name in namesInFile)
        {
            var count = (int)(files.Get(name).Count / cols);
            Read(files, name, stacked.Slice(at, count));
            at += count;
        }
        return stacked;
    }

    /// <summary>A norm's weight or a bias, in f32.</summary>
    public static Tensor Vector(SafetensorsFolder files, string nameInFile)
    {
        var vector = Tensor.Allocate(new Shape((int)files.Get(nameInFile).Count));
        Read(files, nameInFile, vector);
        return vector;
    }
}
