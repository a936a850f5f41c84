// MLPs and experts of the plain implementation (sections 2, 4, 5 and 6 of golden/models/README.md).
namespace Aerie.Tests.Targets.Plain;

sealed partial class PlainModel
{
    double[][] Mlp(double[][] u, int i, string p)
    {
        var width = Type is "gpt_oss" or "mixtral" ? 0 : config.Int("intermediate_size");
        switch (Type)
        {
            case "mixtral":
                var intermediate = config.Int("intermediate_size");
                return Mix(u, Softmaxed(u, i, $"{p}block_sparse_moe.gate", config.Int("num_local_experts"), true),
                    (e, x) => Gated(x, $"{p}block_sparse_moe.experts.{e}.", intermediate, "w1", "w3", "w2"));
            case "gpt_oss": return GptExperts(u, i, $"{p}mlp.");
            case "qwen3_moe":
                var experts = config.Has("num_local_experts") ? config.Int("num_local_experts") : config.Int("num_experts");
                var dense = config.Json["mlp_only_layers"]?.AsArray().Any(l => l!.GetValue<int>() == i) ?? false;
                if (dense || (i + 1) % config.Int("decoder_sparse_step", 1) != 0 || experts == 0) break;
                return Mix(u, Softmaxed(u, i, $"{p}mlp.gate", experts, config.Flag("norm_topk_prob")), (e, x) => Gated(x, $"{p}mlp.experts.{e}.", config.Int("moe_intermediate_size")));
            case "deepseek_v3":
                if (i < config.Int("first_k_dense_replace")) break;
                var j = config.Int("moe_intermediate_size");
                var mixed = Mix(u, Sigmoided(u, i, $"{p}mlp.gate"), (e, x) => Gated(x, $"{p}mlp.experts.{e}.", j));
                return Add(mixed, Gated(u, $"{p}mlp.shared_experts.", j * config.Int("n_shared_experts")));
            case "phi3":
                var fused = Linear(u, $"{p}mlp.gate_up_proj", 2 * width);
                return Linear(Rows(u.Length, t => [.. fused[t][..width].Zip(fused[t][width..], (gate, up) => Silu(gate) * up)]), $"{p}mlp.down_proj", H);
        }
        return Gated(u, $"{p}mlp.", width, bias: Type is "llama" or "granite" && config.Flag("mlp_bias"));
    }

    double[][] Gated(double[][] u, string p, int width, string gate = "gate_proj", string up = "up_proj", string down = "down_proj", bool bias = false)
    {
        var (g, h) = (Map(Linear(u, p + gate, width, bias), config.Gemma ? GeluTanh : Silu), Linear(u, p + up, width, bias));
        return Linear(Rows(u.Length, t => [.. g[t].Zip(h[t], (a, b) => a * b)]), p + down, u[0].Length, bias);
    }

    static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));

    double[][] SquaredMlp(double[][] u, string p, int width, bool bias) =>
        Linear(Map(Linear(u, $"{p}up_proj", width, bias), x => x > 0 ? x * x : 0), $"{p}down_proj", u[0].Length, bias);

    double[][] NemotronExperts(double[][] u, int i, string p)
    {
        var (bias, latent) = (config.Flag("mlp_bias"), config.Int("moe_latent_size", 0));
        var inner = latent > 0 ? Linear(u, $"{p}fc1_latent_proj", latent, bias) : u;
        var y = Mix(inner, Sigmoided(u, i, $"{p}gate"), (e, x) => SquaredMlp(x, $"{p}experts.{e}.", config.Int("moe_intermediate_size"), false));
        if (latent > 0) y = Linear(y, $"{p}fc2_latent_proj", H, bias);
        return Add(y, SquaredMlp(u, $"{p}shared_experts.", config.Int("moe_shared_expert_intermediate_size"), bias));
    }

    double[][] GptExperts(double[][] u, int i, string p)
    {
        var (count, width) = (config.Int("num_local_experts"), config.Int("intermediate_size"));
        var (limit, alpha) = (config.Number("swiglu_limit", 7), config.Number("swiglu_alpha", 1.702));
        var z = Linear(u, $"{p}router", count, true);
        var (up, upBias) = (weights[$"{p}experts.gate_up_proj", count, H, 2 * width], weights[$"{p}experts.gate_up_proj_bias", count, 2 * width]);
        var (down, downBias) = (weights[$"{p}experts.down_proj", count, width, H], weights[$"{p}experts.down_proj_bias", count, H]);
        var routes = Rows(u.Length, t =>
        {
            var sum = Best(z[t], Chosen).Sum(e => Math.Exp(z[t][e]));
            return Choose(z[t], Chosen, e => Math.Exp(z[t][e]) / sum);
        });
        KeepRoutes(i, z, routes);
        return Mix(u, routes, (e, x) =>
        {
            var h = Transposed(x, up.AsSpan(e * H * 2 * width), upBias.AsSpan(e * 2 * width, 2 * width));
            return Transposed(Rows(1, _ => [.. Enumerable.Range(0, width).Select(j =>
            {
                var (g, l) = (Math.Min(h[0][2 * j], limit), Math.Clamp(h[0][2 * j + 1], -limit, limit));
                return (l + 1) * g * Sigmoid(alpha * g);
            })]), down.AsSpan(e * width * H), downBias.AsSpan(e * H, H));
        });
    }

    // x W + b of one row.
    static double[][] Transposed(double[][] x, ReadOnlySpan<double> weight, ReadOnlySpan<double> bias)
    {
        var y = bias.ToArray();
        for (var j = 0; j < x[0].Length; j++)
            for (var o = 0; o < y.Length; o++) y[o] += x[0][j] * weight[j * y.Length + o];
        return [y];
    }

    int Chosen => config.Int("num_experts_per_tok");

    // Factors of all experts per token, NaN where not chosen.
    double[][] Softmaxed(double[][] u, int i, string name, int count, bool divide)
    {
        var z = Linear(u, name, count);
        var routes = Rows(u.Length, t =>
        {
            var all = z[t].Sum(Math.Exp);
            var p = Array.ConvertAll(z[t], v => Math.Exp(v) / all);
            var sum = divide ? Best(p, Chosen).Sum(e => p[e]) : 1;
            return Choose(p, Chosen, e => p[e] / sum);
        });
        KeepRoutes(i, z, routes);
        return routes;
    }

    double[][] Sigmoided(double[][] u, int i, string name)
    {
        var (count, groups) = (config.Int("n_routed_experts"), config.Int("n_group", 1));
        var z = Linear(u, name, count);
        var bias = weights[$"{name}.e_score_correction_bias", count];
        var routes = Rows(u.Length, t =>
        {
            var s = Array.ConvertAll(z[t], Sigmoid);
            double[] c = [.. s.Zip(bias, (a, b) => a + b)];
            double[] scores = [.. c.Chunk(count / groups).Select(run => run.OrderDescending().Take(2).Sum())];
            var kept = Best(scores, config.Int("topk_group", 1));
            for (var e = 0; e < count; e++)
                if (!kept.Contains(e / (count / groups))) c[e] = double.NegativeInfinity;
            var sum = config.Flag("norm_topk_prob", true) ? Best(c, Chosen).Sum(e => s[e]) + 1e-20 : 1;
            return Choose(c, Chosen, e => s[e] / sum * config.Number("routed_scaling_factor", 1));
        });
        KeepRoutes(i, z, routes);
        return routes;
    }

    // The highest, lower index first on ties; remembers how clear the choice was.
    int[] Best(double[] values, int count)
    {
        int[] order = [.. Enumerable.Range(0, values.Length).OrderByDescending(e => values[e])];
        if (count < values.Length) Gap = Math.Min(Gap, values[order[count - 1]] - values[order[count]]);
        return order[..count];
    }

    double[] Choose(double[] values, int count, Func<int, double> factor)
    {
        var chosen = Best(values, count);
        return [.. values.Select((_, e) => chosen.Contains(e) ? factor(e) : double.NaN)];
    }

    void KeepRoutes(int i, double[][] z, double[][] routes)
    {
        Keep($"router_logits.{i}", z);
        Keep($"router_experts.{i}", Rows(routes.Length, t => [.. Enumerable.Range(0, routes[t].Length).Where(e => !double.IsNaN(routes[t][e])).Select(e => (double)e)]));
        Keep($"router_weights.{i}", Rows(routes.Length, t => [.. routes[t].Where(f => !double.IsNaN(f))]));
    }

    // All experts read the first token, so that all of them are asked for.
    static double[][] Mix(double[][] u, double[][] routes, Func<int, double[][], double[][]> expert) => Rows(u.Length, t =>
    {
        var y = new double[u[t].Length];
        for (var e = 0; e < routes[t].Length; e++)
        {
            if (t > 0 && double.IsNaN(routes[t][e])) continue;
            var one = expert(e, [u[t]])[0];
            if (!double.IsNaN(routes[t][e])) y = [.. y.Zip(one, (a, b) => a + routes[t][e] * b)];
        }
        return y;
    });
}
