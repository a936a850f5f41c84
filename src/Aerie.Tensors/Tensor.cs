// A tensor is bytes on a device, a dtype and a shape; row-major; sliced only along the leading axis.
// Elements are touched by kernels alone; the method copies in and out.
using System.Runtime.InteropServices;

namespace Aerie.Tensors;

/// <summary>Numbers of one dtype and shape. Owned by whoever allocated it: a model, the arena of a step, a decoder.</summary>
public sealed unsafe class Tensor : IDisposable
{
    readonly NativeBuffer? owned;

    Tensor(Shape shape, DType dtype, void* address, NativeBuffer? owned)
    {
        (Shape, DType, this.owned) = (shape, dtype, owned);
        Address = address;
    }

    public Shape Shape { get; }
    public DType DType { get; }
    public int Rows => Shape.Rows;
    public int Cols => Shape.Cols;
    public long Count => Shape.Count;
    public long Bytes => Count * DType.Size();
    internal void* Address { get; }

    /// <summary>d loss / d this, owned by the tape that runs backward; null before.</summary>
    internal Tensor? Gradient { get; set; }

    /// <summary>The value is gone; only the gradient is still to come.</summary>
    internal bool Discarded { get; set; }

    /// <summary>True for activations that some trainable parameter has a part in.</summary>
    public bool NeedsGradient { get; internal set; }

    /// <summary>Zeroed memory owned by the tensor: dispose it.</summary>
    public static Tensor Allocate(Shape shape, DType dtype = DType.F32)
    {
        var buffer = new NativeBuffer(shape.Count * dtype.Size());
        return new Tensor(shape, dtype, buffer.Address, buffer);
    }

    /// <summary>Memory owned by the tensor that its maker fills at once: it holds anything.</summary>
    public static Tensor ToBeFilled(Shape shape, DType dtype = DType.F32)
    {
        var buffer = new NativeBuffer(shape.Count * dtype.Size(), zeroed: false);
        return new Tensor(shape, dtype, buffer.Address, buffer);
    }

    public static Tensor From(ReadOnlySpan<float> values, Shape shape)
    {
        var tensor = ToBeFilled(shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    public static Tensor From(ReadOnlySpan<int> values)
    {
        var tensor = Allocate(new Shape(values.Length), DType.I32);
        values.CopyTo(tensor.I32);
        return tensor;
    }

    /// <summary>Memory that somebody else owns and keeps alive (an arena, a mapped file).</summary>
    internal static Tensor Over(void* address, Shape shape, DType dtype) => new(shape, dtype, address, null);

    /// <summary>Rows [begin, begin + count) of the leading axis, sharing memory.</summary>
    public Tensor Slice(int begin, int count)
    {
        Check.That((uint)begin <= (uint)Shape[0] && (uint)count <= (uint)(Shape[0] - begin), $"rows {begin}..{begin + count} of {this}");
        var stride = Shape[0] == 0 ? 0 : Bytes / Shape[0];
        return new(Shape.WithLeading(count), DType, (byte*)Address + begin * stride, null);
    }

    /// <summary>The same elements under another shape.</summary>
    public Tensor Reshape(Shape shape)
    {
        Check.That(shape.Count == Count, $"{this} cannot be seen as {shape}");
        return new(shape, DType, Address, null);
    }

    internal Span<float> F32 => Elements<float>(DType.F32);
    internal Span<ushort> BF16 => Elements<ushort>(DType.BF16);
    internal Span<int> I32 => Elements<int>(DType.I32);
    internal Span<long> I64 => Elements<long>(DType.I64);
    internal Span<byte> Raw => new(Address, checked((int)Bytes));
    internal float* Floats => DType == DType.F32 ? (float*)Address : throw Wrong(DType.F32);
    internal Span<float> Row(int i) => new(Floats + (long)i * Cols, Cols);

    Span<T> Elements<T>(DType expected) where T : unmanaged
        => DType == expected ? new Span<T>(Address, checked((int)Count)) : throw Wrong(expected);

    InvalidOperationException Wrong(DType expected) => new($"{this} is not {expected}");

    /// <summary>Copies all elements in, rounding to bf16 where the tensor is bf16.</summary>
    public void CopyFrom(ReadOnlySpan<float> values)
    {
        Check.That(values.Length == Count, $"{values.Length} values for {this}");
        if (DType == DType.BF16) BFloat16.FromFloat(values, BF16);
        else values.CopyTo(F32);
    }

    public void CopyFrom(ReadOnlySpan<int> values)
    {
        Check.That(values.Length == Count, $"{values.Length} values for {this}");
        values.CopyTo(I32);
    }

    /// <summary>Copies the elements of another tensor of the same count; f32 and bf16 convert.</summary>
    public void CopyFrom(Tensor source)
    {
        Check.That(source.Count == Count, $"{source} into {this}");
        if (source.DType == DType) Buffer.MemoryCopy(source.Address, Address, Bytes, Bytes);
        else if (DType == DType.BF16) BFloat16.FromFloat(source.F32, BF16);
        else BFloat16.ToFloat(source.BF16, F32);
    }

    /// <summary>Raw bytes as a safetensors file holds them (little endian).</summary>
    public void CopyFromBytes(ReadOnlySpan<byte> bytes)
    {
        Check.That(bytes.Length == Bytes, $"{bytes.Length} bytes for {this}");
        bytes.CopyTo(Raw);
    }

    public void CopyTo(Span<float> destination)
    {
        if (DType == DType.BF16) BFloat16.ToFloat(BF16, destination);
        else F32.CopyTo(destination);
    }

    public void CopyTo(Span<int> destination) => I32.CopyTo(destination);

    public void CopyBytesTo(Stream stream)
    {
        const int Chunk = 1 << 20;
        for (long at = 0; at < Bytes; at += Chunk)
            stream.Write(new ReadOnlySpan<byte>((byte*)Address + at, (int)Math.Min(Chunk, Bytes - at)));
    }

    public float[] ToArray()
    {
        var values = new float[Count];
        CopyTo(values);
        return values;
    }

    public int[] ToInt32Array() => I32.ToArray();

    public void Clear() => NativeMemory.Clear(Address, (nuint)Bytes);

    public void Dispose() => owned?.Dispose();

    public override string ToString() => $"{DType}{Shape}";
}
