// The tensors that a network needs, by the names they have on disk; whatever does not fit is told in one error, and tensors are read into memory of ours.
using System.Text;
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>One tensor of a network.</summary>
/// <param name="Name">Name on disk.</param>
/// <param name="Rows">Rows; 0 for a vector.</param>
/// <param name="Cols">Columns, or the length of a vector.</param>
/// <param name="Optional">It may be absent.</param>
public readonly record struct WeightSlot(string Name, int Rows, int Cols, bool Optional = false)
{
    /// <summary>A vector.</summary>
    public static WeightSlot Vector(string name, int length, bool optional = false) => new(name, 0, length, optional);

    internal bool Fits(SafetensorsEntry entry) => Rows == 0 ? entry.Shape is [var n] && n == Cols : entry.Shape is [var r, var c] && r == Rows && c == Cols;

    internal string ShapeText => Rows == 0 ? $"[{Cols}]" : $"[{Rows}, {Cols}]";
}

/// <summary>Checks a checkpoint against what a network needs, and reads from it.</summary>
public static class WeightTable
{
    const int MostListed = 8;

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
            else if (!entry.Type.IsFloat()) misshaped.Add($"{entry} should hold floating-point numbers");
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
        var stacked = Tensor.Allocate(new Shape(checked((int)rows), cols), dtype);
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
