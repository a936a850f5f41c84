// Checkpoints in fp8 (e4m3), as they are published: numbers of 8 bits and scales beside them, w = number · scale. Scales come in three sizes:
//   one for the tensor        name_scale [] or [1]               ModelOpt (NVIDIA), FBGEMM, compressed-tensors
//   one for each row          name_scale [rows] or [rows, 1]     FBGEMM (Llama 3.1 405B), compressed-tensors
//   one for each block        name_scale_inv [⌈rows / 128⌉, ⌈cols / 128⌉]     DeepSeek-V3, Qwen3 (in spite of its name it is multiplied by)
// They are expanded while they are read. Scales of activations and of caches are of no use here. Other quantisations are refused by name.
using Aerie.Formats;

namespace Aerie.Targets;

static class QuantizedWeights
{
    const int Block = 128;
    static readonly string[] Suffixes = [".weight_scale_inv", ".weight_scale", ".input_scale", ".input_scale_ub", ".activation_scale", ".k_scale", ".v_scale", ".q_scale", ".output_scale"];

    /// <summary>Is that the name of a scale?</summary>
    internal static bool IsScale(string name) => Array.Exists(Suffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal));

    /// <summary>Says no to what cannot be read, by its name.</summary>
    internal static void CheckConfig(ConfigFile config)
    {
        if (config.Object("quantization_config") is not { } json) return;
        var method = json.Text("quant_method") ?? json.Text("quant_library") ?? "";
        var (kind, fine) = method switch
        {
            "fp8" => ("fp8", !json.Has("weight_block_size") || json.Ids("weight_block_size") is [Block, Block]),
            "fbgemm_fp8" => ("fbgemm_fp8", true),
            "mxfp4" => ("mxfp4", config.Text("model_type") == "gpt_oss"),        // of its experts alone (Mxfp4)
            "modelopt" => ($"modelopt {json.Text("quant_algo")}", json.Text("quant_algo") == "FP8"),
            "compressed-tensors" => ($"compressed-tensors {json.Text("format")}", json.Text("format") is "float-quantized" or "naive-quantized" or "dense"),
            _ => (method.Length > 0 ? method : "an unnamed method", false),
        };
        if (!fine)
            throw new AerieException($"{config.Path}: `quantization_config` names a checkpoint quantized with {kind}, which is not supported",
                "Supported: bf16, f16, f32 and fp8 (e4m3 with scales for tensors, rows or blocks of 128 x 128). The same model in one of them usually lies beside it.");
    }

    /// <summary>Is there a scale that fits?</summary>
    internal static void Check(SafetensorsFolder files, SafetensorsEntry entry)
    {
        if (Find(files, entry) is not { } scale)
            throw new AerieException($"{files.Path}: {entry} has no scale beside it", $"{entry.Name}_scale or {entry.Name}_scale_inv is needed. Is a shard missing?");
        var (rows, cols) = Rows(entry);
        var (down, across) = ((rows + Block - 1) / Block, (cols + Block - 1) / Block);
        var fits = scale.Count == 1 || scale.Shape switch { [var r] => r == rows, [var r, var c] => (r == rows && c == 1) || (r == down && c == across), _ => false };
        if (!fits || !scale.Type.IsFloat())
            throw new AerieException($"{files.Path}: {scale} does not fit {entry}", "A scale is one number, one for each row, or one for each block of 128 x 128.");
    }

    /// <summary>Multiplies numbers of a tensor, from number <paramref name="from"/> of it on, by their scales.</summary>
    internal static void Scale(SafetensorsFolder files, SafetensorsEntry entry, long from, Span<float> numbers)
    {
        var scale = Find(files, entry)!;
        var scales = files.ReadFloat32(scale.Name);
        var cols = Rows(entry).Cols;
        var across = scale.Shape is [_, > 1 and var blocks] && scales.Length > 1 ? (int)blocks : 0;
        for (var i = 0; i < numbers.Length;)
        {
            var (row, col) = ((from + i) / cols, (from + i) % cols);
            var end = across > 0 ? Math.Min(cols, (col / Block + 1) * Block) : cols;
            var run = numbers.Slice(i, (int)Math.Min(end - col, numbers.Length - i));
            var factor = scales.Length == 1 ? scales[0] : across > 0 ? scales[row / Block * across + col / Block] : scales[scales.Length == Rows(entry).Rows ? row : row / Block];
            for (var j = 0; j < run.Length; j++) run[j] *= factor;
            i += run.Length;
        }
    }

    static SafetensorsEntry? Find(SafetensorsFolder files, SafetensorsEntry entry)
        => files.TryGet($"{entry.Name}_scale_inv", out var scale) || files.TryGet($"{entry.Name}_scale", out scale) ? scale : null;

    static (long Rows, long Cols) Rows(SafetensorsEntry entry) => entry.Shape.Length > 1 ? (entry.Count / entry.Shape[^1], entry.Shape[^1]) : (1, entry.Count);
}
