// fp8 checkpoints: the same numbers as a float32 checkpoint in which every weight was expanded by hand.
using System.Runtime.InteropServices;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Targets;

public sealed class QuantizedWeightsTests
{
    static string Config(string quantization) => $$"""
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 160, "intermediate_size": 272, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 50, "max_position_embeddings": 64, "dtype": "bfloat16"{{quantization}}}
        """;

    [Theory]
    [InlineData("tensor", """, "quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}""")]
    [InlineData("row", """, "quantization_config": {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0}""")]
    [InlineData("row", """, "quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}""")]
    [InlineData("block", """, "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}""")]
    public void Fp8_is_expanded(string scales, string quantization)
    {
        using var folder = new TemporaryFolder();
        var (quantized, plain) = (Directory.CreateDirectory(folder.File("fp8")).FullName, Directory.CreateDirectory(folder.File("f32")).FullName);
        File.WriteAllText(Path.Combine(quantized, "config.json"), Config(quantization));
        File.WriteAllText(Path.Combine(plain, "config.json"), Config(""));
        var config = TargetConfig.Read(plain);
        var table = new WeightTable(null, Precision.F32, name => name);
        config.Family.Build(config, table).Dispose();
        var (eight, full) = (new List<SafetensorsSource>(), new List<SafetensorsSource>());
        foreach (var slot in table.Slots)
        {
            if (slot.Shape is not [var rows, var cols] || slot.Name.Contains("embed", StringComparison.Ordinal) || slot.Name.Contains("lm_head", StringComparison.Ordinal))
            {
                var ones = Enumerable.Range(0, (int)slot.Count).Select(i => slot.Shape.Count == 1 ? 1f : MathF.Sin(i + 1)).ToArray();
                eight.Add(Floats(slot.Name, slot.Shape, ones));
                full.Add(Floats(slot.Name, slot.Shape, ones));
                continue;
            }
            var random = new CounterRandom(7, slot.Name);
            var bytes = Enumerable.Range(0, rows * cols).Select(i => (byte)random.Below((ulong)i, 256)).Select(b => (b & 0x7F) == 0x7F ? (byte)0 : b).ToArray();
            int[] shape = scales switch { "tensor" => [], "row" => [rows, 1], _ => [(rows + 127) / 128, (cols + 127) / 128] };
            var factors = Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b)).Select(i => 0.0005f * (1 + random.Uniform((ulong)i))).ToArray();
            eight.Add(new(slot.Name, SafetensorsType.F8E4M3, [rows, cols], bytes));
            eight.Add(Floats(slot.Name + (scales == "block" ? "_scale_inv" : "_scale"), shape, factors));
            eight.Add(Floats(slot.Name.Replace(".weight", ".input_scale", StringComparison.Ordinal), [], [0.5f]));
            full.Add(Floats(slot.Name, slot.Shape, [.. bytes.Select((b, i) => (float)Value(b) * factors[scales switch { "tensor" => 0, "row" => i / cols, _ => i / cols / 128 * ((cols + 127) / 128) + i % cols / 128 }])]));
        }
        SafetensorsWriter.Write(Path.Combine(quantized, "model.safetensors"), eight);
        SafetensorsWriter.Write(Path.Combine(plain, "model.safetensors"), full);
        Assert.Equal(Logits(plain), Logits(quantized));
    }

    [Theory]
    [InlineData("""{"quant_method": "awq", "bits": 4}""", "awq")]
    [InlineData("""{"quant_method": "mxfp4"}""", "mxfp4")]
    [InlineData("""{"quant_method": "modelopt", "quant_algo": "NVFP4"}""", "modelopt NVFP4")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "pack-quantized"}""", "compressed-tensors pack-quantized")]
    [InlineData("""{"quant_method": "fp8", "weight_block_size": [64, 64]}""", "fp8")]
    public void Others_are_refused_by_name(string quantization, string name)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), Config($", \"quantization_config\": {quantization}"));
        var problem = Assert.Throws<AerieException>(() => TargetConfig.Read(folder.Path));
        Assert.Contains($"quantized with {name}", problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "has no scale beside it")]
    [InlineData(true, "does not fit")]
    public void A_scale_that_is_missing_or_of_another_size_is_told(bool there, string told)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), Config(""));
        var config = TargetConfig.Read(folder.Path);
        var table = new WeightTable(null, Precision.F32, name => name);
        config.Family.Build(config, table).Dispose();
        var tensors = table.Slots.Select(slot => slot.Name.EndsWith("o_proj.weight", StringComparison.Ordinal)
            ? new SafetensorsSource(slot.Name, SafetensorsType.F8E4M3, [.. slot.Shape.Select(n => (long)n)], new byte[slot.Count]) : Floats(slot.Name, slot.Shape, new float[slot.Count]));
        if (there) tensors = tensors.Concat(table.Slots.Where(s => s.Name.EndsWith("o_proj.weight", StringComparison.Ordinal)).Select(s => Floats(s.Name + "_scale", [3], new float[3])));
        SafetensorsWriter.Write(folder.File("model.safetensors"), tensors);
        var problem = Assert.Throws<AerieException>(() => Target.Load(folder.Path));
        Assert.Contains(told, problem.Message, StringComparison.Ordinal);
    }

    // OCP e4m3: sign, 4 bits of exponent (bias 7), 3 of mantissa.
    static double Value(byte b)
    {
        var (sign, exponent, mantissa) = ((b & 0x80) != 0 ? -1.0 : 1.0, (b >> 3) & 15, b & 7);
        return sign * (exponent == 0 ? mantissa / 8.0 * Math.Pow(2, -6) : (1 + mantissa / 8.0) * Math.Pow(2, exponent - 7));
    }

    static SafetensorsSource Floats(string name, IReadOnlyList<int> shape, float[] values)
        => new(name, SafetensorsType.F32, [.. shape.Select(n => (long)n)], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    static float[] Logits(string folder)
    {
        using var target = Target.Load(folder, Precision.F32);
        using var work = new TargetWorkspace(5, 5);
        using var rows = new PassRows(5);
        using var cache = target.NewCache(5);
        rows.Add(cache.Sequences[0], [3, 1, 4, 1, 5]);
        target.Forward(rows, cache, work);
        return target.Logits(work, [0, 1, 2, 3, 4]).ToArray();
    }
}
