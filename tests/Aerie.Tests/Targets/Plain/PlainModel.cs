// A second implementation of every target, in float64, without cache, kernels or cleverness, written from golden/models/README.md alone: what the first one is checked against where no case was recorded.
namespace Aerie.Tests.Targets.Plain;

/// <summary>One text through a model. Rows are tokens.</summary>
sealed partial class PlainModel(PlainConfig config, PlainWeights weights, int[] ids)
{
    /// <summary>Tensors by the names of golden/models/README.md.</summary>
    internal Dictionary<string, double[]> Outputs { get; } = [];

    /// <summary>How near an expert that was not chosen came to one that was.</summary>
    internal double Gap { get; private set; } = double.PositiveInfinity;

    string Type => config.Type;

    int H => config.Hidden;

    internal PlainModel Run()
    {
        var (root, norm) = Type == "nemotron_h" ? ("backbone.", "backbone.norm_f") : ("model.", "model.norm");
        var embed = weights[$"{root}{(Type == "nemotron_h" ? "embeddings" : "embed_tokens")}.weight", config.Vocabulary, H];
        var multiplier = config.Gemma ? Math.Sqrt(H) : Type == "granite" ? config.Number("embedding_multiplier", 1) : 1;
        var x = Rows(ids.Length, t => [.. embed.AsSpan(ids[t] * H, H).ToArray().Select(e => e * multiplier)]);
        Keep("embedding_output", x);
        for (var i = 0; i < config.Layers; i++) Keep($"layer_output.{i}", x = Layer(x, i, $"{root}layers.{i}."));
        x = Norm(x, norm);
        Keep("final_norm_output", x);
        var head = config.Tied && !weights.HasHead ? embed : weights["lm_head.weight", config.Vocabulary, H];
        var divisor = Type == "granite" ? config.Number("logits_scaling", 1) : 1;
        var cap = !config.Gemma ? 0 : Type == "gemma2" && !config.Has("final_logit_softcapping") ? 30 : config.Number("final_logit_softcapping", 0);
        Keep("logits", Map(Multiply(x, head, config.Vocabulary), z => cap == 0 ? z / divisor : Math.Tanh(z / cap) * cap));
        return this;
    }

    double[][] Layer(double[][] x, int i, string p)
    {
        if (Type == "nemotron_h")
        {
            var u = Norm(x, $"{p}norm");
            return Add(x, config.Blocks[i] switch
            {
                'M' => Mamba(u, i, $"{p}mixer."),
                'E' => NemotronExperts(u, i, $"{p}mixer."),
                '*' => Attention(u, i, $"{p}mixer."),
                _ => SquaredMlp(u, $"{p}mixer.", config.Int("intermediate_size"), config.Flag("mlp_bias")),
            });
        }
        double[][] Block(double[][] u, bool first) => first ? Type == "deepseek_v3" ? LatentAttention(u, i, $"{p}self_attn.") : Attention(u, i, $"{p}self_attn.") : Mlp(u, i, p);
        if (Type == "olmo2")
        {
            x = Add(x, Norm(Block(x, true), $"{p}post_attention_layernorm"));
            return Add(x, Norm(Block(x, false), $"{p}post_feedforward_layernorm"));
        }
        if (config.Gemma)
        {
            x = Add(x, Norm(Block(Norm(x, $"{p}input_layernorm"), true), $"{p}post_attention_layernorm"));
            return Add(x, Norm(Block(Norm(x, $"{p}pre_feedforward_layernorm"), false), $"{p}post_feedforward_layernorm"));
        }
        var residual = Type == "granite" ? config.Number("residual_multiplier", 1) : 1;
        x = Add(x, Map(Block(Norm(x, $"{p}input_layernorm"), true), y => y * residual));
        return Add(x, Map(Block(Norm(x, $"{p}post_attention_layernorm"), false), y => y * residual));
    }

    void Keep(string name, double[][] rows) => Outputs[name] = [.. rows.SelectMany(r => r)];

    double[][] Norm(double[][] x, string name, double? eps = null)
    {
        var weight = weights[$"{name}.weight", x[0].Length];
        return Rows(x.Length, t => Scaled(Rms(x[t], eps ?? config.Eps), weight));
    }

    // Gemma multiplies by 1 + w.
    double[] Scaled(double[] x, double[] weight) => [.. x.Select((v, j) => v * (config.Gemma ? 1 + weight[j] : weight[j]))];

    static double[] Rms(double[] x, double eps)
    {
        var size = Math.Sqrt(x.Select(v => v * v).Average() + eps);
        return Array.ConvertAll(x, v => v / size);
    }

    double[][] Linear(double[][] x, string name, int to, bool bias = false)
    {
        var y = Multiply(x, weights[$"{name}.weight", to, x[0].Length], to);
        if (!bias) return y;
        var b = weights[$"{name}.bias", to];
        return Rows(y.Length, t => [.. y[t].Select((v, j) => v + b[j])]);
    }

    static double[][] Multiply(double[][] x, double[] weight, int to) => Rows(x.Length, t =>
    {
        var (row, y) = (x[t], new double[to]);
        for (var o = 0; o < to; o++)
        {
            double sum = 0;
            for (var j = 0; j < row.Length; j++) sum += weight[o * row.Length + j] * row[j];
            y[o] = sum;
        }
        return y;
    });

    static double[][] Rows(int count, Func<int, double[]> row) => [.. Enumerable.Range(0, count).Select(row)];

    static double[][] Map(double[][] x, Func<double, double> f) => Rows(x.Length, t => Array.ConvertAll(x[t], v => f(v)));

    static double[][] Add(double[][] x, double[][] y) => Rows(x.Length, t => [.. x[t].Zip(y[t], (a, b) => a + b)]);

    static double[][] Columns(double[][] x, int from, int count) => Rows(x.Length, t => x[t].AsSpan(from, count).ToArray());

    static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    static double Silu(double x) => x * Sigmoid(x);
}
