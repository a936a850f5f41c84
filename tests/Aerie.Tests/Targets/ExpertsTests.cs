// Families with experts beyond the golden cases: wrong configs, the fused form on disk, one expert to a token, and that a token's bits do not depend on who shares its experts.
using System.Text.Json.Nodes;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Targets;

public sealed class ExpertsTests
{
    [Theory]
    [InlineData("mixtral", "num_local_experts", "0")]
    [InlineData("mixtral", "num_local_experts", "1000000000")]
    [InlineData("mixtral", "num_local_experts", "\"8\"")]
    [InlineData("mixtral", "num_experts_per_tok", "9")]
    [InlineData("mixtral", "num_experts_per_tok", "0")]
    [InlineData("mixtral", "sliding_window", "-1")]
    [InlineData("qwen3_moe", "num_hidden_layers", "16384", "num_local_experts")]
    [InlineData("qwen3_moe", "num_experts_per_tok", "9")]
    [InlineData("qwen3_moe", "num_experts", "-1")]
    [InlineData("qwen3_moe", "moe_intermediate_size", "0")]
    [InlineData("qwen3_moe", "decoder_sparse_step", "0")]
    [InlineData("qwen3_moe", "mlp_only_layers", "[1, 4]")]
    [InlineData("gpt_oss", "num_local_experts", "0")]
    [InlineData("gpt_oss", "num_experts_per_tok", "6")]
    [InlineData("gpt_oss", "swiglu_limit", "0")]
    [InlineData("gpt_oss", "layer_types", "[\"full_attention\"]")]
    [InlineData("gpt_oss", "quantization_config", "{\"quant_method\": \"nvfp4\"}")]
    [InlineData("mixtral", "quantization_config", "{\"quant_method\": \"mxfp4\"}")]
    [InlineData("deepseek_v3", "n_routed_experts", "0")]
    [InlineData("deepseek_v3", "num_experts_per_tok", "9")]
    [InlineData("deepseek_v3", "n_group", "3")]
    [InlineData("deepseek_v3", "n_group", "8")]
    [InlineData("deepseek_v3", "n_group", "0")]
    [InlineData("deepseek_v3", "topk_group", "5")]
    [InlineData("deepseek_v3", "topk_group", "1")]
    [InlineData("deepseek_v3", "routed_scaling_factor", "0")]
    [InlineData("deepseek_v3", "qk_rope_head_dim", "7")]
    [InlineData("deepseek_v3", "kv_lora_rank", "0")]
    [InlineData("deepseek_v3", "first_k_dense_replace", "-1")]
    [InlineData("deepseek_v3", "num_attention_heads", "16384")]
    [InlineData("deepseek_v3", "moe_intermediate_size", "4194304", "n_shared_experts")]
    public void What_does_not_fit_is_refused_by_its_key(string name, string key, string value, string? told = null)
    {
        using var folder = new TemporaryFolder();
        var json = JsonNode.Parse(File.ReadAllText(Golden.Path("models", name, "config.json")))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(folder.File("config.json"), json.ToJsonString());
        Assert.Contains($"`{told ?? key}`", Assert.Throws<AerieException>(() => TargetConfig.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_experts_in_Qwen3Moe_means_an_mlp_in_every_layer()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), File.ReadAllText(Golden.Path("models", "qwen3_moe", "config.legacy.json")).Replace("\"num_experts\": 8", "\"num_experts\": 0", StringComparison.Ordinal));
        Assert.Null(TargetConfig.Read(folder.Path).Experts);
    }

    [Theory]
    [InlineData("mixtral", "block_sparse_moe.", "block_sparse_moe.", "w1", "w3", "w2")]
    [InlineData("mixtral", "block_sparse_moe.", "mlp.", "w1", "w3", "w2")]
    [InlineData("qwen3_moe", "mlp.", "mlp.", "gate_proj", "up_proj", "down_proj")]
    [InlineData("deepseek_v3", "mlp.", "mlp.", "gate_proj", "up_proj", "down_proj")]
    public void Fused_experts_are_read_too(string name, string prefix, string fusedPrefix, string gate, string up, string down)
    {
        using var folder = new TemporaryFolder();
        Rewritten.Copy(name, folder, tensors: all =>
        {
            foreach (var layer in all.Keys.Where(k => k.Contains($"{prefix}experts.0.{gate}", StringComparison.Ordinal)).Select(k => k[..k.IndexOf(prefix, StringComparison.Ordinal)]).ToArray())
            {
                var experts = all.Keys.Count(k => k.StartsWith($"{layer}{prefix}experts.", StringComparison.Ordinal) && k.EndsWith($"{gate}.weight", StringComparison.Ordinal));
                (int[] Shape, float[] Values) Take(int e, string part) => all.Remove($"{layer}{prefix}experts.{e}.{part}.weight", out var tensor) ? tensor : throw new KeyNotFoundException(part);
                var gates = Enumerable.Range(0, experts).Select(e => (Gate: Take(e, gate), Up: Take(e, up), Down: Take(e, down))).ToArray();
                var (width, hidden) = (gates[0].Gate.Shape[0], gates[0].Gate.Shape[1]);
                all[$"{layer}{fusedPrefix}experts.gate_up_proj"] = ([experts, 2 * width, hidden], [.. gates.SelectMany(g => g.Gate.Values.Concat(g.Up.Values))]);
                all[$"{layer}{fusedPrefix}experts.down_proj"] = ([experts, hidden, width], [.. gates.SelectMany(g => g.Down.Values)]);
                if (all.Remove($"{layer}{prefix}gate.weight", out var router)) all[$"{layer}{fusedPrefix}gate.weight"] = router;
            }
            Assert.DoesNotContain(all.Keys, k => k.Contains($"experts.0.{gate}", StringComparison.Ordinal));
        });
        Assert.Equal(Rewritten.Logits(Golden.Path("models", name)), Rewritten.Logits(folder.Path));
    }

    [Theory]
    [InlineData("mixtral", 2), InlineData("mixtral", 1), InlineData("qwen3_moe", 3), InlineData("qwen3_moe", 8), InlineData("gpt_oss", 2), InlineData("gpt_oss", 1), InlineData("deepseek_v3", 3), InlineData("deepseek_v3", 1)]
    public void A_token_alone_has_the_bits_it_has_in_company(string name, int chosen)
    {
        using var folder = new TemporaryFolder();
        var path = Rewritten.Copy(name, folder, json => json["num_experts_per_tok"] = chosen);
        foreach (var precision in (Precision[])[Precision.F32, Precision.BF16])
        {
            var together = Rewritten.Logits(path, precision: precision);
            Assert.Equal(together, Rewritten.Logits(path, 1, precision));
            Assert.Equal(together, Rewritten.Logits(path, 4, precision));
            Assert.All(together, x => Assert.True(float.IsFinite(x)));
        }
    }

    [Theory]
    [InlineData("qwen3_moe"), InlineData("gpt_oss"), InlineData("deepseek_v3"), InlineData("mixtral")]
    public void Products_in_bf16_stay_near(string name)
    {
        var (exact, rounded) = (Rewritten.Logits(Golden.Path("models", name)), Rewritten.Logits(Golden.Path("models", name), precision: Precision.BF16));
        var vocabulary = exact.Length / Rewritten.Text.Length;
        var errors = exact.Chunk(vocabulary).Zip(rounded.Chunk(vocabulary), (a, b) => Math.Sqrt(a.Zip(b, (x, y) => Math.Pow(x - y, 2)).Sum() / a.Sum(x => (double)x * x))).Order().ToArray();
        Assert.InRange(errors[errors.Length / 2], 1e-6, 0.03);      // the median: a rounded product may choose another expert for some token
    }

    [Theory]
    [InlineData("mixtral"), InlineData("gpt_oss"), InlineData("deepseek_v3")]
    public void A_pass_allocates_no_managed_memory(string name)
    {
        using var target = Target.Load(Golden.Path("models", name), Precision.BF16);
        using var work = new TargetWorkspace(8, 1);
        using var rows = new PassRows(8);
        using var cache = target.NewCache(64);
        for (var i = 0; i < 6; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            rows.Clear();
            rows.Add(cache.Sequences[0], Rewritten.Text.AsSpan(0, 8));
            target.Forward(rows, cache, work);
            if (i == 5) Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512);
        }
    }

    [Fact]
    public void A_missing_expert_is_named()
    {
        using var folder = new TemporaryFolder();
        Rewritten.Copy("mixtral", folder, tensors: all => all.Remove("model.layers.1.block_sparse_moe.experts.3.w2.weight"));
        var problem = Assert.Throws<AerieException>(() => Rewritten.Logits(folder.Path));
        Assert.Contains("missing (1): model.layers.1.block_sparse_moe.experts.3.w2.weight [32, 24]".Split('[')[0], problem.Message, StringComparison.Ordinal);
    }
}
