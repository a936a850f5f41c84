// Latent attention in its absorbed form beside the plain one, in which keys and values of every head are expanded, in double precision; and DeepSeek-V3's other spellings.
using System.Text.Json.Nodes;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Targets;

public sealed class LatentAttentionTests
{
    const int Heads = 4, Plain = 6, Rotary = 8, Value = 10, Rank = 12, Hidden = 32;

    [Theory]
    [InlineData(true, 16, false), InlineData(false, 16, true), InlineData(true, 0, false), InlineData(false, 0, true)]
    public void The_absorbed_form_equals_the_plain_one(bool interleaved, int queryRank, bool biases)
    {
        using var folder = new TemporaryFolder();
        Dictionary<string, (int[] Shape, float[] Values)> used = [];
        Rewritten.Copy("deepseek_v3", folder, json =>
        {
            json["rope_interleave"] = interleaved;
            json["q_lora_rank"] = queryRank > 0 ? queryRank : null;
            json["attention_bias"] = biases;
            json["num_hidden_layers"] = 1;
            json["rope_parameters"] = JsonNode.Parse("{\"rope_type\": \"default\", \"rope_theta\": 500.0}");
        }, all =>
        {
            foreach (var name in all.Keys.Where(k => k.StartsWith("model.layers.", StringComparison.Ordinal) && !k.StartsWith("model.layers.0.", StringComparison.Ordinal)).ToArray()) all.Remove(name);
            Array.Clear(all["model.layers.0.mlp.down_proj.weight"].Values);
            float[] Some(string name, int count) => [.. Enumerable.Range(0, count).Select(i => 0.3f * new CounterRandom(3, name).Normal((ulong)i))];
            if (queryRank == 0)
            {
                foreach (var name in (string[])["q_a_proj", "q_a_layernorm", "q_b_proj"]) all.Remove($"model.layers.0.self_attn.{name}.weight");
                all["model.layers.0.self_attn.q_proj.weight"] = ([Heads * (Plain + Rotary), Hidden], Some("q", Heads * (Plain + Rotary) * Hidden));
            }
            foreach (var (name, length) in ((string, int)[])[("q_a_proj", queryRank), ("kv_a_proj_with_mqa", Rank + Rotary), ("o_proj", Hidden)])
                if (biases && length > 0) all[$"model.layers.0.self_attn.{name}.bias"] = ([length], Some(name, length));
            used = new(all);
        });

        using var target = Target.Load(folder.Path, Precision.F32);
        var text = Rewritten.Text;
        using var work = new TargetWorkspace(text.Length, 1);
        using var rows = new PassRows(text.Length);
        using var cache = target.NewCache(text.Length);
        rows.Add(cache.Sequences[0], text);
        var got = target.Forward(rows, cache, work).ToArray();
        var want = Layer(used, interleaved, queryRank, text, 1e-3);
        Assert.All(got.Zip(want), pair => Assert.InRange(pair.First - pair.Second, -1e-5, 1e-5));
    }

    // x + attention(norm(x)), token by token, in double.
    static double[] Layer(Dictionary<string, (int[] Shape, float[] Values)> all, bool interleaved, int queryRank, int[] text, double eps)
    {
        double[] Linear(double[] x, string name)
        {
            var (shape, w) = all[$"model.layers.0.self_attn.{name}.weight"];
            var bias = all.TryGetValue($"model.layers.0.self_attn.{name}.bias", out var b) ? b.Values : new float[shape[0]];
            return [.. Enumerable.Range(0, shape[0]).Select(n => bias[n] + Enumerable.Range(0, shape[1]).Sum(k => w[n * shape[1] + k] * x[k]))];
        }
        double[] Norm(double[] x, string name, double e) => [.. x.Zip(all[name].Values, (v, w) => v * w / Math.Sqrt(x.Average(y => y * y) + e))];
        double[] Rope(double[] x, int t)
        {
            var y = new double[Rotary];
            for (var m = 0; m < Rotary / 2; m++)
            {
                var (i, j) = interleaved ? (2 * m, 2 * m + 1) : (m, m + Rotary / 2);
                var (s, c) = Math.SinCos(t * Math.Pow(500, -2.0 * m / Rotary));
                (y[i], y[j]) = (x[i] * c - x[j] * s, x[j] * c + x[i] * s);
            }
            return y;
        }
        var embed = all["model.embed_tokens.weight"].Values;
        var xs = text.Select(id => Array.ConvertAll(embed[(id * Hidden)..((id + 1) * Hidden)], v => (double)v)).ToArray();
        var tokens = xs.Select((x, t) =>
        {
            var u = Norm(x, "model.layers.0.input_layernorm.weight", eps);
            var q = queryRank > 0 ? Linear(Norm(Linear(u, "q_a_proj"), "model.layers.0.self_attn.q_a_layernorm.weight", 1e-6), "q_b_proj") : Linear(u, "q_proj");
            var latent = Linear(u, "kv_a_proj_with_mqa");
            var (rotated, expanded) = (Rope(latent[Rank..], t), Linear(Norm(latent[..Rank], "model.layers.0.self_attn.kv_a_layernorm.weight", 1e-6), "kv_b_proj"));
            var heads = Enumerable.Range(0, Heads).Select(h =>
            {
                var (own, of) = (q[(h * (Plain + Rotary))..((h + 1) * (Plain + Rotary))], h * (Plain + Value));
                return (Q: (double[])[.. own[..Plain], .. Rope(own[Plain..], t)], K: (double[])[.. expanded[of..(of + Plain)], .. rotated], V: expanded[(of + Plain)..(of + Plain + Value)]);
            }).ToArray();
            return heads;
        }).ToArray();
        return [.. xs.SelectMany((x, t) =>
        {
            var attended = Enumerable.Range(0, Heads).SelectMany(h =>
            {
                var p = Enumerable.Range(0, t + 1).Select(j => Math.Exp(tokens[t][h].Q.Zip(tokens[j][h].K, (a, b) => a * b).Sum() / Math.Sqrt(Plain + Rotary))).ToArray();
                return Enumerable.Range(0, Value).Select(c => Enumerable.Range(0, t + 1).Sum(j => p[j] * tokens[j][h].V[c]) / p.Sum());
            }).ToArray();
            return x.Zip(Linear(attended, "o_proj"), (a, b) => a + b);
        })];
    }

    [Fact]
    public void The_cache_keeps_the_latent_and_one_rotated_key()
    {
        using var target = Target.Load(Golden.Path("models", "deepseek_v3"), Precision.F32);
        using var cache = target.NewCache(5);
        Assert.Equal(new Shape(5, Rank + Rotary), cache.Layer(0).Shape);
    }

    [Fact]
    public void Layers_that_predict_further_tokens_are_passed_over()
    {
        using var folder = new TemporaryFolder();
        Rewritten.Copy("deepseek_v3", folder, tensors: all => all["model.layers.3.eh_proj.weight"] = ([2, 3], new float[6]));
        Assert.Equal(Rewritten.Logits(Golden.Path("models", "deepseek_v3")), Rewritten.Logits(folder.Path));
        using var other = new TemporaryFolder();
        Rewritten.Copy("deepseek_v3", other, json => json["num_nextn_predict_layers"] = 0, all => all["model.layers.3.eh_proj.weight"] = ([2, 3], new float[6]));
        Assert.Contains("unexpected (1): model.layers.3.eh_proj.weight", Assert.Throws<AerieException>(() => Rewritten.Logits(other.Path)).Message, StringComparison.Ordinal);
    }
}
