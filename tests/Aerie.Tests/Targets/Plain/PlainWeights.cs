// The weights that the plain implementation asks for, by name and shape: read from a checkpoint, or drawn at random and remembered, to be written as one.
using System.Runtime.InteropServices;
using System.Text;
using Aerie.Formats;

namespace Aerie.Tests.Targets.Plain;

sealed class PlainWeights
{
    readonly SafetensorsFolder? files;
    readonly int seed;
    readonly Dictionary<string, double[]> known = [];

    internal PlainWeights(SafetensorsFolder files) => this.files = files;

    internal PlainWeights(int seed) => this.seed = seed;

    /// <summary>Everything asked for so far: shapes and, where they were drawn, numbers.</summary>
    internal Dictionary<string, (int[] Shape, float[] Values)> Asked { get; } = [];

    /// <summary>A random checkpoint has a head of its own though it is tied.</summary>
    internal bool HeadToo { get; init; }

    /// <summary>Random numbers are such as bf16 can hold.</summary>
    internal bool BFloat16 { get; init; }

    internal bool HasHead => files?.Contains("lm_head.weight") ?? HeadToo;

    internal double[] this[string name, params int[] shape]
    {
        get
        {
            if (known.TryGetValue(name, out var found)) return found;
            var count = shape.Aggregate(1, (a, b) => a * b);
            float[] values;
            if (files is null) values = Draw(name, count, shape[^1]);
            else
            {
                Assert.Equal(shape.Select(n => (long)n), files.Get(name).Shape);
                values = files.ReadFloat32(name);
            }
            Asked[name] = (shape, values);
            return known[name] = Array.ConvertAll(values, v => (double)v);
        }
    }

    // Sizes like those of the recorded cases: everything matters, nothing explodes.
    float[] Draw(string name, int count, int columns)
    {
        var random = new Random(Encoding.UTF8.GetBytes(name).Aggregate(seed * 7919 + 17, (hash, b) => unchecked(hash * 31 + b)));
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double Uniform(double from, double to) => from + (to - from) * random.NextDouble();
        bool Is(string part) => name.Contains(part, StringComparison.Ordinal);
        Func<double> draw = Is("dt_bias") ? () => Uniform(-2, 0.5)
            : Is("A_log") ? () => Math.Log(Uniform(0.5, 8))
            : Is("sinks") ? () => Normal()
            : Is("correction_bias") ? () => 0.15 * Normal()
            : Is("conv1d.weight") ? () => 0.5 * Normal()
            : Is("norm") || name.EndsWith(".D", StringComparison.Ordinal) ? () => 1 + 0.25 * Normal()
            : Is("bias") ? () => 0.3 * Normal()
            : Is("embed") ? () => 0.03 * Normal()                  // so small that the norms' eps counts
            : Is("lm_head") ? () => 2 / Math.Sqrt(columns) * Normal()
            : () => 1.3 / Math.Sqrt(columns) * Normal();
        return [.. Enumerable.Range(0, count).Select(_ => BFloat16 ? BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)draw()) & ~0xFFFF) : (float)draw())];
    }

    internal static void Write(string path, IEnumerable<KeyValuePair<string, (int[] Shape, float[] Values)>> tensors, bool bfloat16) => SafetensorsWriter.Write(path, tensors.Select(t =>
    {
        var bytes = bfloat16 ? MemoryMarshal.AsBytes(Array.ConvertAll(t.Value.Values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)).AsSpan()) : MemoryMarshal.AsBytes(t.Value.Values.AsSpan());
        return new SafetensorsSource(t.Key, bfloat16 ? SafetensorsType.BF16 : SafetensorsType.F32, [.. t.Value.Shape.Select(n => (long)n)], bytes.ToArray());
    }));
}
