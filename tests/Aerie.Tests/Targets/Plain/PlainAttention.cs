// Attention of the plain implementation: one form for all families (sections 2, 4, 5 and 6 of golden/models/README.md), and DeepSeek's latent one.
namespace Aerie.Tests.Targets.Plain;

sealed partial class PlainModel
{
    double[][] Attention(double[][] u, int i, string p)
    {
        var (nh, nkv, d) = (config.Heads, config.KeyHeads, config.HeadSize);
        var all = Type is not ("mistral" or "mixtral" or "phi3" or "nemotron_h" or "qwen2") && config.Flag("attention_bias", Type == "gpt_oss");
        var bias = all || Type == "qwen2";
        double[][] q, k, v;
        if (Type == "phi3")
        {
            var fused = Linear(u, $"{p}qkv_proj", (nh + 2 * nkv) * d);
            (q, k, v) = (Columns(fused, 0, nh * d), Columns(fused, nh * d, nkv * d), Columns(fused, (nh + nkv) * d, nkv * d));
        }
        else (q, k, v) = (Linear(u, $"{p}q_proj", nh * d, bias), Linear(u, $"{p}k_proj", nkv * d, bias), Linear(u, $"{p}v_proj", nkv * d, bias));
        if (Type == "olmo2") (q, k) = (Norm(q, $"{p}q_norm"), Norm(k, $"{p}k_norm"));
        var (queries, keys, values) = (Heads(q, d), Heads(k, d), Heads(v, d));
        if (Type is "qwen3" or "qwen3_moe" or "gemma3_text")
        {
            queries = [.. queries.Select(h => Norm(h, $"{p}q_norm"))];
            keys = [.. keys.Select(h => Norm(h, $"{p}k_norm"))];
        }
        if (Type != "nemotron_h")
        {
            var rope = new PlainRope(config, i, d, ids.Length);
            foreach (var head in queries.Concat(keys))
                for (var t = 0; t < head.Length; t++) rope.Rotate(head[t], t);
        }
        var scale = config.Gemma ? Math.Pow(config.Number("query_pre_attn_scalar", 256), -0.5) : Type == "granite" ? config.Number("attention_multiplier", 1) : 1 / Math.Sqrt(d);
        var cap = Type != "gemma2" ? 0 : config.Has("attn_logit_softcapping") ? config.Number("attn_logit_softcapping", 0) : 50;
        var sinks = Type == "gpt_oss" ? weights[$"{p}sinks", nh] : null;
        return Linear(Attend(queries, keys, values, scale, config.Window(i), cap, sinks), $"{p}o_proj", H, all);
    }

    double[][] LatentAttention(double[][] u, int i, string p)
    {
        var (nh, n, r, v, rank) = (config.Heads, config.Int("qk_nope_head_dim"), config.Int("qk_rope_head_dim"), config.Int("v_head_dim"), config.Int("kv_lora_rank"));
        var q = config.Json["q_lora_rank"] is null ? Linear(u, $"{p}q_proj", nh * (n + r))
            : Linear(Norm(Linear(u, $"{p}q_a_proj", config.Int("q_lora_rank")), $"{p}q_a_layernorm", 1e-6), $"{p}q_b_proj", nh * (n + r));
        var latent = Linear(u, $"{p}kv_a_proj_with_mqa", rank + r);
        var shared = Columns(latent, rank, r);
        var pairs = Heads(Linear(Norm(Columns(latent, 0, rank), $"{p}kv_a_layernorm", 1e-6), $"{p}kv_b_proj", nh * (n + v)), n + v);
        var rope = new PlainRope(config, i, r, ids.Length);
        for (var t = 0; t < ids.Length; t++) rope.Rotate(shared[t], t);
        var queries = Heads(q, n + r);
        foreach (var head in queries)
            for (var t = 0; t < head.Length; t++) rope.Rotate(head[t].AsSpan(n), t);
        double[][][] keys = [.. pairs.Select(h => Rows(h.Length, t => [.. h[t][..n], .. shared[t]]))];
        double[][][] values = [.. pairs.Select(h => Columns(h, n, v))];
        return Linear(Attend(queries, keys, values, rope.DeepScale / Math.Sqrt(n + r), int.MaxValue, 0, null), $"{p}o_proj", H);
    }

    // [heads][tokens][d] of [tokens][heads · d].
    static double[][][] Heads(double[][] x, int d) => [.. Enumerable.Range(0, x[0].Length / d).Select(h => Columns(x, h * d, d))];

    static double[][] Attend(double[][][] q, double[][][] k, double[][][] v, double scale, int window, double cap, double[]? sinks)
    {
        var heads = new double[q.Length][][];
        for (var h = 0; h < q.Length; h++)
        {
            var (group, head) = (h / (q.Length / k.Length), h);
            heads[h] = Rows(q[h].Length, t =>
            {
                var first = t - Math.Min(window, t + 1) + 1;
                var scores = new double[t - first + 1];
                for (var j = first; j <= t; j++)
                {
                    double z = 0;
                    for (var c = 0; c < q[head][t].Length; c++) z += q[head][t][c] * k[group][j][c];
                    scores[j - first] = Math.Exp(cap == 0 ? z * scale : Math.Tanh(z * scale / cap) * cap);
                }
                var sum = scores.Sum() + (sinks is null ? 0 : Math.Exp(sinks[head]));
                var o = new double[v[group][0].Length];
                for (var j = first; j <= t; j++)
                    for (var c = 0; c < o.Length; c++) o[c] += scores[j - first] / sum * v[group][j][c];
                return o;
            });
        }
        return Rows(q[0].Length, t => [.. heads.SelectMany(h => h[t])]);
    }
}
