// The packed experts of published gpt-oss checkpoints beside the same numbers as floats, expanded here in another way.
using System.Text.Json.Nodes;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Targets;

public sealed class Mxfp4Tests
{
    const int Experts = 5, Width = 32, Hidden = 32;

    [Fact]
    public void Numbers_are_those_of_the_format()
    {
        byte[] block = [0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE, .. new byte[8]];
        var numbers = new float[64];
        Mxfp4.Expand([.. block, .. block], [127, 130], numbers);
        float[] once = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6, .. new float[16]];
        Assert.Equal([.. once, .. once.Select(x => 8 * x)], numbers);
        Mxfp4.Expand(block, [255], numbers.AsSpan(0, 32));
        Assert.All(numbers[..32], x => Assert.True(float.IsNaN(x)));
        Mxfp4.Expand(block, [0], numbers.AsSpan(0, 32));
        Assert.Equal(MathF.Pow(2, -127), numbers[2]);
    }

    [Fact]
    public void A_packed_checkpoint_is_the_one_of_floats()
    {
        using var plain = new TemporaryFolder();
        using var packed = new TemporaryFolder();
        var bytes = new List<SafetensorsSource>();
        Rewritten.Copy("gpt_oss", plain, json => json["intermediate_size"] = Width, all =>
        {
            foreach (var layer in (int[])[0, 1, 2])
            {
                var at = $"model.layers.{layer}.mlp.experts.";
                all[$"{at}gate_up_proj_bias"] = ([Experts, 2 * Width], [.. Enumerable.Range(0, Experts * 2 * Width).Select(i => MathF.Sin(i))]);
                all[$"{at}gate_up_proj"] = ([Experts, Hidden, 2 * Width], Some($"{at}gate_up_proj", 2 * Width, Hidden, bytes));
                all[$"{at}down_proj"] = ([Experts, Width, Hidden], Some($"{at}down_proj", Hidden, Width, bytes));
            }
        });
        Rewritten.Copy("gpt_oss", packed, json =>
        {
            json["intermediate_size"] = Width;
            json["quantization_config"] = JsonNode.Parse("""{"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}""");
        });
        using (var files = SafetensorsFolder.Open(plain.Path))
            bytes.AddRange(files.Entries.Where(e => !e.Name.EndsWith("_proj", StringComparison.Ordinal)).Select(e => new SafetensorsSource(e.Name, e.Type, e.Shape, files.Bytes(e.Name).ToArray())));
        SafetensorsWriter.Write(packed.File("model.safetensors"), bytes);
        Assert.Equal(Rewritten.Logits(plain.Path), Rewritten.Logits(packed.Path));
        Assert.Equal(ModelSummary.Read(plain.Path).Parameters, ModelSummary.Read(packed.Path).Parameters);
        Assert.True(Rewritten.Logits(packed.Path, precision: Precision.BF16).All(float.IsFinite));
    }

    // Adds blocks and scales [E, rows, cols] to the packed file; gives the same numbers as [E, cols, rows].
    static float[] Some(string name, int rows, int cols, List<SafetensorsSource> files)
    {
        var random = new CounterRandom(5, name);
        var blocks = Enumerable.Range(0, Experts * rows * cols / 2).Select(i => (byte)random.Below((ulong)i, 256)).ToArray();
        var scales = Enumerable.Range(0, Experts * rows * cols / 32).Select(i => (byte)(122 + random.Below((ulong)i + 1_000_000, 4))).ToArray();
        files.Add(new SafetensorsSource($"{name}_blocks", SafetensorsType.U8, [Experts, rows, cols / 32, 16], blocks));
        files.Add(new SafetensorsSource($"{name}_scales", SafetensorsType.U8, [Experts, rows, cols / 32], scales));
        var values = new float[Experts * rows * cols];
        for (var i = 0; i < values.Length; i++)
        {
            var (e, row, col) = (i / (rows * cols), i / cols % rows, i % cols);
            var four = blocks[i / 2] >> (i % 2 * 4) & 15;
            var (sign, exponent, mantissa) = ((four & 8) != 0 ? -1 : 1, four >> 1 & 3, four & 1);
            var value = sign * (exponent == 0 ? mantissa * 0.5 : (1 + mantissa * 0.5) * Math.Pow(2, exponent - 1));
            values[(e * cols + col) * rows + row] = (float)(value * Math.Pow(2, scales[i / 32] - 127));
        }
        return values;
    }
}
