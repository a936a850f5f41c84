// The size of the target and the table of its weights under Hugging Face's names.
// Deep and thin: one layer of a drafter is cheap beside fourteen of the target.
using System.Runtime.InteropServices;
using Aerie.Formats;

namespace Aerie.Fledgling;

/// <summary>One weight: rows x columns, or a vector when Columns is 0. It starts at normal numbers of this mean and deviation.</summary>
internal readonly record struct Weight(string Name, int Rows, int Columns, double Mean, double Deviation)
{
    public int Count => Rows * Math.Max(Columns, 1);
    public long[] Shape => Columns == 0 ? [Rows] : [Rows, Columns];
}

internal static class FledglingShape
{
    public const int Layers = 14, Hidden = 192, Intermediate = 384, Heads = 6, KeyValueHeads = 2, HeadDim = 32, Context = 512;
    public const double RopeTheta = 10000, NormEpsilon = 1e-5, EmbeddingDeviation = 0.1;

    /// <summary>All weights in the order of the file. What writes into the residual stream starts near zero, so that at first the stream is the
    /// token's own embedding: with deviations of 1/sqrt(columns) everywhere the loss after 50 steps was 4.6 instead of 3.1.</summary>
    public static IEnumerable<Weight> Weights()
    {
        const int Queries = Heads * HeadDim, Keys = KeyValueHeads * HeadDim;
        double inward = 0.5 / Math.Sqrt(Hidden), outward = 0.02 / Math.Sqrt(2 * Layers);
        yield return new("model.embed_tokens.weight", TokenizerFiles.VocabularySize, Hidden, 0, EmbeddingDeviation);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return new(prefix + "input_layernorm.weight", Hidden, 0, 1, 0);
            yield return new(prefix + "self_attn.q_proj.weight", Queries, Hidden, 0, inward);
            yield return new(prefix + "self_attn.k_proj.weight", Keys, Hidden, 0, inward);
            yield return new(prefix + "self_attn.v_proj.weight", Keys, Hidden, 0, inward);
            yield return new(prefix + "self_attn.o_proj.weight", Hidden, Queries, 0, outward);
            yield return new(prefix + "post_attention_layernorm.weight", Hidden, 0, 1, 0);
            yield return new(prefix + "mlp.gate_proj.weight", Intermediate, Hidden, 0, inward);
            yield return new(prefix + "mlp.up_proj.weight", Intermediate, Hidden, 0, inward);
            yield return new(prefix + "mlp.down_proj.weight", Hidden, Intermediate, 0, outward);
        }
        yield return new("model.norm.weight", Hidden, 0, 1, 0);
    }

    /// <summary>The random start: normal numbers (Box and Muller) of the table's deviation.</summary>
    public static float[] Start(Weight weight, Draw draw)
    {
        var values = new float[weight.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(weight.Mean + (weight.Deviation > 0 ? weight.Deviation * Normal(draw) : 0));
        return values;
    }

    static double Normal(Draw draw)
    {
        double radius = Math.Sqrt(-2 * Math.Log(((draw.Bits() >> 11) + 1) * 1.1102230246251565e-16)), angle = Math.Tau * ((draw.Bits() >> 11) * 1.1102230246251565e-16);
        return radius * Math.Cos(angle);
    }

    /// <summary>Writes model.safetensors in bf16: each master value rounded to the nearest, ties to even.</summary>
    public static void WriteWeights(string folder, Func<Weight, float[]> masters) =>
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Weights().Select(weight =>
        {
            ushort[] rounded = [.. masters(weight).Select(RoundToBF16)];
            return new SafetensorsSource(weight.Name, SafetensorsType.BF16, weight.Shape, MemoryMarshal.AsBytes(rounded.AsSpan()).ToArray());
        }), new Dictionary<string, string> { ["format"] = "pt" });

    public static ushort RoundToBF16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
