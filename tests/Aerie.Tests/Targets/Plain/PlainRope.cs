// RoPE by section 3 of golden/models/README.md: the frequencies of one layer for one length of text, in float64.
using System.Text.Json.Nodes;

namespace Aerie.Tests.Targets.Plain;

sealed class PlainRope
{
    readonly double[] frequencies;
    readonly double factor;
    readonly bool interleaved;

    internal PlainRope(PlainConfig config, int layer, int headSize, int length)
    {
        var json = config.Json;
        var slides = config.Type == "gemma3_text" && config.Slides(layer);
        var theta = config.Type switch { "mixtral" => 1e6, "gpt_oss" => 150000, "gemma3_text" => slides ? 1e4 : 1e6, _ => 1e4 };
        JsonObject own = [];
        if (json["rope_parameters"] is JsonObject given)
        {
            own = given;
            if (config.Type == "gemma3_text") own = given[slides ? "sliding_attention" : "full_attention"] as JsonObject ?? given;
        }
        else if (slides) theta = config.Number("rope_local_base_freq", theta);
        else if (json["rope_scaling"] is JsonObject scaling && !(config.Type == "gemma3_text" && !scaling.ContainsKey("rope_type"))) own = scaling;
        if (!slides) theta = config.Number("rope_theta", theta);
        theta = PlainConfig.Number(own, "rope_theta") ?? theta;
        var partial = PlainConfig.Number(own, "partial_rotary_factor") ?? config.Number("partial_rotary_factor", 1);
        if (config.Type == "gpt_oss" && own.Count == 0)
            own = new JsonObject { ["rope_type"] = "yarn", ["factor"] = 32, ["beta_fast"] = 32, ["beta_slow"] = 1, ["truncate"] = false, ["original_max_position_embeddings"] = 4096 };

        double? Own(string key) => PlainConfig.Number(own, key);
        var type = (own["rope_type"] ?? own["type"])?.GetValue<string>() ?? "default";
        if (config.Type == "phi3" && type is "su" or "yarn") type = "longrope";
        var original = config.Type == "phi3" ? config.Int("original_max_position_embeddings", 4096) : Own("original_max_position_embeddings") ?? config.Number("max_position_embeddings", 0);
        var s = Own("factor");

        var r = config.Type == "deepseek_v3" ? headSize : (int)Math.Floor(headSize * partial);
        frequencies = [.. Enumerable.Range(0, r / 2).Select(m => Math.Pow(theta, -2.0 * m / r))];
        factor = 1;
        interleaved = config.Type == "deepseek_v3" && config.Flag("rope_interleave", true);
        if (type == "linear") Each((_, f) => f / s!.Value);
        else if (type == "llama3")
        {
            var (lo, hi) = (Own("low_freq_factor")!.Value, Own("high_freq_factor")!.Value);
            Each((_, f) =>
            {
                var wave = 2 * Math.PI / f;
                if (wave > original / lo) return f / s!.Value;
                if (wave < original / hi) return f;
                var g = (original / wave - lo) / (hi - lo);
                return (1 - g) * f / s!.Value + g * f;
            });
        }
        else if (type == "yarn")
        {
            double Turn(double beta) => r * Math.Log(original / (2 * Math.PI * beta)) / (2 * Math.Log(theta));
            var (low, high) = (Turn(Own("beta_fast") ?? 32), Turn(Own("beta_slow") ?? 1));
            if (own["truncate"]?.GetValue<bool>() ?? true) (low, high) = (Math.Floor(low), Math.Ceiling(high));
            (low, high) = (Math.Max(low, 0), Math.Min(high, r - 1));
            if (low == high) high += 0.001;
            Each((m, f) =>
            {
                var ramp = Math.Clamp((m - low) / (high - low), 0, 1);
                return f / s!.Value * ramp + f * (1 - ramp);
            });
            double G(double u) => s <= 1 ? 1 : 0.1 * u * Math.Log(s!.Value) + 1;
            var (mscale, all) = (Own("mscale") ?? 0, Own("mscale_all_dim") ?? 0);
            factor = Own("attention_factor") ?? (mscale != 0 && all != 0 ? G(mscale) / G(all) : G(1));
        }
        else if (type == "longrope")
        {
            var divide = own[length > original ? "long_factor" : "short_factor"]!.AsArray();
            Each((m, f) => f / divide[m]!.GetValue<double>());
            s ??= config.Int("max_position_embeddings") / original;
            factor = Own("attention_factor") ?? (s <= 1 ? 1 : Math.Sqrt(1 + Math.Log(s.Value) / Math.Log(original)));
        }
        else if (type != "default") throw new ArgumentException(type);

        if (type != "default" && (Own("mscale_all_dim") ?? 0) != 0 && s > 1) DeepScale = Math.Pow(0.1 * Own("mscale_all_dim")!.Value * Math.Log(s.Value) + 1, 2);
    }

    /// <summary>DeepSeek's further factor of the scores, m².</summary>
    internal double DeepScale { get; } = 1;

    /// <summary>Rotates one head in place.</summary>
    internal void Rotate(Span<double> head, int position)
    {
        for (var m = 0; m < frequencies.Length; m++)
        {
            var (a, b) = interleaved ? (2 * m, 2 * m + 1) : (m, m + frequencies.Length);
            var (c, s) = (factor * Math.Cos(position * frequencies[m]), factor * Math.Sin(position * frequencies[m]));
            (head[a], head[b]) = (head[a] * c - head[b] * s, head[b] * c + head[a] * s);
        }
    }

    void Each(Func<int, double, double> change)
    {
        for (var m = 0; m < frequencies.Length; m++) frequencies[m] = change(m, frequencies[m]);
    }
}
