// How positions rotate, from a GGUF file's keys {arch}.rope.*, written in config.json's 4.x spelling.
// Llama 3's stretching is not in the keys: llama.cpp has it as a tensor of divisors, rope_freqs.weight, one per pair. The rule's numbers are found from them:
//   frequency f = theta^(-2i/size), wavelength w = 2 pi / f; w < original/high: divisor 1; w > original/low: factor; between: 1 / ((1 - s)/factor + s), s = (original/w - low)/(high - low)
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Import;

sealed class GgufRope
{
    internal const string Frequencies = "rope_freqs.weight";
    static readonly string[] YarnKeys = ["beta_fast", "beta_slow"];
    const double Low = 1, High = 4;

    GgufRope(double theta) => this.theta = theta;

    readonly double theta;
    readonly Dictionary<string, double> scaling = [];

    internal string Kind { get; private set; } = "default";

    internal static GgufRope Read(GgufModel model, string prefix, int headSize, int context)
    {
        var keys = model.Keys;
        double? Number(string name) => keys.Number($"{prefix}.rope.{name}") is { } value ? double.IsFinite(value) && value >= 0 ? value : throw keys.Bad($"key '{prefix}.rope.{name}' is {value}") : null;
        double Positive(string name) => Number(name) is { } value and > 0 ? value : throw keys.Bad($"key '{prefix}.rope.{name}' is missing or not positive");
        var rope = new GgufRope(keys.Has($"{prefix}.rope.freq_base") ? Positive("freq_base") : 10000);
        var type = keys.Text($"{prefix}.rope.scaling.type") ?? (Number("scale_linear") is not (null or 0 or 1) ? "linear" : "none");
        if (type is not ("none" or "linear" or "yarn")) throw keys.Bad($"key '{prefix}.rope.scaling.type' is '{type}'; supported: none, linear, yarn");
        if (type != "none")
        {
            rope.Kind = type;
            rope.scaling["factor"] = keys.Has($"{prefix}.rope.scaling.factor") ? Positive("scaling.factor") : Positive("scale_linear");
            if (type == "yarn")
            {
                rope.scaling["original_max_position_embeddings"] = Number("scaling.original_context_length") ?? context;
                foreach (var name in YarnKeys)
                    if (Number($"scaling.yarn_{name}") is { } value) rope.scaling[name] = value;
                if (Number("scaling.yarn_ext_factor") is not (null or 1)) throw keys.Bad($"key '{prefix}.rope.scaling.yarn_ext_factor' other than 1 is not supported");
                if (Number("scaling.yarn_attn_factor") is not (null or 1)) throw keys.Bad($"key '{prefix}.rope.scaling.yarn_attn_factor' other than 1 is not supported");
            }
        }
        if (model.Find(Frequencies) is { } tensor) rope.ReadDivisors(model, tensor, headSize);
        return rope;
    }

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("rope_theta", theta);
        if (Kind == "default")
        {
            json.WriteNull("rope_scaling");
            return;
        }
        json.WriteStartObject("rope_scaling");
        json.WriteString("rope_type", Kind);
        foreach (var (name, value) in scaling) json.WriteNumber(name, value);
        json.WriteEndObject();
    }

    void ReadDivisors(GgufModel model, GgufTensor tensor, int headSize)
    {
        if (tensor.Shape is not [var count] || count != headSize / 2) throw model.Keys.Bad($"tensor {tensor} should be [{headSize / 2}]");
        var divisors = new float[count];
        tensor.Type.Expand!(model.Bytes(tensor, 0, (int)tensor.ByteLength), divisors);
        if (divisors.All(d => d == 1)) return;
        // The rule knows only ratios of original, low and high; low 1 and high 4 are everybody's. A divisor between 1 and the factor gives the original length.
        var factor = Math.Round(divisors.Max(), 3);
        var between = Array.FindIndex(divisors, d => d > 1 && d < factor * 0.999);
        var turns = between < 0 ? 0 : Low + (High - Low) * (1 / divisors[between] - 1 / factor) / (1 - 1 / factor);
        var original = between < 0 ? 8192 : Math.Round(turns * 2 * Math.PI * Math.Pow(theta, 2.0 * between / headSize));
        if (Kind != "default" || original < 1 || divisors.Where((d, i) => !(Math.Abs(d - Divisor(i, headSize, factor, original)) <= 1e-4 * d)).Any())
            throw model.Keys.Bad($"tensor '{Frequencies}' changes the rotation by a rule that is not known", "Known is Llama 3's, with low_freq_factor 1 and high_freq_factor 4.");
        Kind = "llama3";
        (scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["original_max_position_embeddings"]) = (factor, Low, High, original);
    }

    double Divisor(int pair, int headSize, double factor, double original)
    {
        var turns = original * Math.Pow(theta, -2.0 * pair / headSize) / (2 * Math.PI);
        if (turns > High) return 1;
        if (turns < Low) return factor;
        var smooth = (turns - Low) / (High - Low);
        return 1 / ((1 - smooth) / factor + smooth);
    }
}
