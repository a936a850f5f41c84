// Writes small GGUF files for tests, right ones and wrong ones.
using System.Text;

namespace Aerie.Tests.Formats;

sealed class GgufBuilder
{
    readonly List<(string Name, byte[] Value)> keys = [];
    readonly List<(string Name, uint Type, long[] Shape, byte[] Data)> tensors = [];

    internal uint Version { get; set; } = 3;
    internal ulong? TensorCount { get; set; }
    internal ulong? KeyCount { get; set; }
    internal Func<int, long, ulong> Place { get; set; } = (_, offset) => (ulong)offset;

    internal GgufBuilder Key(string name, object value)
    {
        keys.RemoveAll(k => k.Name == name);
        return Again(name, value);
    }

    /// <summary>The key, even if it is there already.</summary>
    internal GgufBuilder Again(string name, object value) => Raw(name, Write(w => { w.Write(Kind(value)); Value(w, value); }));

    /// <summary>A key whose kind and value are given as bytes.</summary>
    internal GgufBuilder Raw(string name, byte[] value)
    {
        keys.Add((name, value));
        return this;
    }

    internal GgufBuilder Without(string name)
    {
        keys.RemoveAll(k => k.Name == name);
        tensors.RemoveAll(t => t.Name == name);
        return this;
    }

    /// <summary>A tensor; the shape is row-major.</summary>
    internal GgufBuilder Tensor(string name, uint type, long[] shape, byte[] data)
    {
        tensors.Add((name, type, shape, data));
        return this;
    }

    internal GgufBuilder Tensor(string name, long[] shape, float[] values) => Tensor(name, 0, shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    internal byte[] Build(int alignment = 32) => Write(w =>
    {
        w.Write("GGUF"u8);
        w.Write(Version);
        w.Write(TensorCount ?? (ulong)tensors.Count);
        w.Write(KeyCount ?? (ulong)keys.Count);
        foreach (var (name, value) in keys)
        {
            Text(w, name);
            w.Write(value);
        }
        var offset = 0L;
        foreach (var (tensor, i) in tensors.Select((t, i) => (t, i)))
        {
            Text(w, tensor.Name);
            w.Write(tensor.Shape.Length);
            foreach (var size in tensor.Shape.Reverse()) w.Write(size);
            w.Write(tensor.Type);
            w.Write(Place(i, offset));
            offset += (tensor.Data.Length + alignment - 1) / alignment * alignment;
        }
        foreach (var (_, _, _, data) in tensors)
        {
            Pad(w, alignment);
            w.Write(data);
        }
        Pad(w, alignment);
    });

    internal string Save(string path, int alignment = 32)
    {
        File.WriteAllBytes(path, Build(alignment));
        return path;
    }

    static void Pad(BinaryWriter w, int alignment)
    {
        while (w.BaseStream.Position % alignment != 0) w.Write((byte)0);
    }

    internal static byte[] Write(Action<BinaryWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream)) write(writer);
        return stream.ToArray();
    }

    static uint Kind(object value) => value switch { byte => 0, uint => 4, int => 5, float => 6, bool => 7, string => 8, Array => 9, ulong => 10, long => 11, double => 12, _ => throw new ArgumentException($"{value}") };

    static void Value(BinaryWriter w, object value)
    {
        switch (value)
        {
            case byte b: w.Write(b); break;
            case uint n: w.Write(n); break;
            case int n: w.Write(n); break;
            case float x: w.Write(x); break;
            case bool flag: w.Write(flag); break;
            case ulong n: w.Write(n); break;
            case long n: w.Write(n); break;
            case double x: w.Write(x); break;
            case string text: Text(w, text); break;
            case Array list:
                w.Write(list.Length == 0 ? 4 : Kind(list.GetValue(0)!));
                w.Write((ulong)list.Length);
                foreach (var item in list) Value(w, item);
                break;
        }
    }

    static void Text(BinaryWriter w, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        w.Write((ulong)bytes.Length);
        w.Write(bytes);
    }
}
