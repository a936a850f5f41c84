// Models go to GGUF as llama.cpp's converter takes them there, and must come back as they were: weights bit for bit, configs field by field, ids one by one.
using System.Text.Json;
using Aerie.Formats;
using Aerie.Import;
using Aerie.Parity;
using Aerie.Targets;
using Aerie.Tests.Formats;
using Aerie.Text;

namespace Aerie.Tests.Import;

public class GgufImportTests
{
    public static TheoryData<string> Models => ["llama_llama3", "llama_yarn", "llama_linear", "llama_tied_bias", "llama_head_dim", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_bf16"];

    [Theory, MemberData(nameof(Models))]
    public void A_model_comes_back_as_it_was(string name)
    {
        using var folder = Golden.Temporary();
        var (original, imported) = (Golden.Path("models", name), folder.File("model"));
        using var before = SafetensorsFolder.Open(original);
        var dtype = before.Get("model.norm.weight").Type;
        var result = GgufImport.Run(GgufModels.Of(original).Save(folder.File("model.gguf")), imported, dtype);
        using var after = SafetensorsFolder.Open(imported);
        Assert.Equal(before.Names.Order(StringComparer.Ordinal), after.Names.Order(StringComparer.Ordinal));
        foreach (var tensor in before.Names) Assert.True(before.Bytes(tensor).SequenceEqual(after.Bytes(tensor)), tensor);
        static TargetConfig Facts(TargetConfig c) => c with { Path = "", EndTokenIds = [], Windows = [] };
        var (first, second) = (TargetConfig.Read(original), TargetConfig.Read(imported));
        Assert.Equal(Facts(first), Facts(second));
        Assert.Equal(first.Windows, second.Windows);
        Assert.Equal([2], second.EndTokenIds);
        Assert.Equal((before.Names.Count, before.Entries.Sum(e => e.Count)), (result.Tensors, result.Parameters));
        Assert.Contains(result.Notes, note => note.Contains("no chat template", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("smollm-digits-bytelevel", "smollm")]
    [InlineData("llama3-bytelevel", "llama-bpe")]
    [InlineData("qwen3-bytelevel-nfc", "qwen2")]
    [InlineData("deepseek-multisplit", "deepseek-v3")]
    [InlineData("tekken-bytelevel-casesplit", "tekken")]
    [InlineData("gpt2-bytelevel", "gpt-2")]
    [InlineData("llama2-sentencepiece-prepend", null)]
    public void A_tokenizer_gives_the_ids_of_the_original(string name, string? pre)
    {
        using var folder = Golden.Temporary();
        var original = Golden.Path("tokenizers", name);
        GgufImport.Run(GgufModels.Tokenizer(GgufModels.Smallest(), Path.Combine(original, "tokenizer.json"), pre).Save(folder.File("model.gguf")), folder.File("model"));
        foreach (var file in Directory.GetFiles(original).Where(f => !Path.GetFileName(f).StartsWith("tokenizer", StringComparison.Ordinal))) File.Copy(file, Path.Combine(folder.File("model"), Path.GetFileName(file)));
        var report = ParityRun.Run(folder.File("model"));
        Assert.True(report.Outcome == ParityOutcome.Within, $"{report.Message} {string.Join("\n", report.Results.Where(r => !r.Within))}");
    }

    [Theory]
    [InlineData(SafetensorsType.F32), InlineData(SafetensorsType.BF16), InlineData(SafetensorsType.F16)]
    public void Quantised_rows_are_expanded_and_rounded_once(SafetensorsType dtype)
    {
        using var folder = Golden.Temporary();
        var random = new Random(3);
        var blocks = new byte[4 * 34];
        for (var row = 0; row < 4; row++)
        {
            random.NextBytes(blocks.AsSpan(row * 34, 34));
            BitConverter.TryWriteBytes(blocks.AsSpan(row * 34), (Half)(0.01 * (row + 1)));
        }
        var builder = Wide().Without("blk.0.attn_q.weight").Tensor("blk.0.attn_q.weight", 8, [4, 32], blocks);
        GgufImport.Run(builder.Save(folder.File("model.gguf")), folder.File("model"), dtype);
        using var weights = SafetensorsFolder.Open(folder.File("model"));
        var values = weights.ReadFloat32("model.layers.0.self_attn.q_proj.weight");
        Assert.Equal(dtype, weights.Get("model.norm.weight").Type);
        for (var row = 0; row < 4; row++)
            for (var i = 0; i < 32; i++)
            {
                // One head of four: rows 0 1 2 3 are llama.cpp's 0 2 1 3.
                var from = new[] { 0, 2, 1, 3 }[row];
                var exact = (float)BitConverter.ToHalf(blocks, from * 34) * (sbyte)blocks[from * 34 + 2 + i];
                Assert.Equal(dtype switch { SafetensorsType.F32 => exact, SafetensorsType.F16 => (float)(Half)exact, _ => Aerie.Tensors.BFloat16.Round(exact) }, values[row * 32 + i]);
            }
    }

    [Fact]
    public void Template_and_ends_of_turns_come_along_and_nothing_else_is_left_behind()
    {
        using var folder = Golden.Temporary();
        var builder = GgufModels.Characters(GgufModels.Smallest(), 20).Tensor("token_embd.weight", [20, 4], new float[80]).Key("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}")
            .Key("tokenizer.chat_template.tool_use", "x").Key("tokenizer.ggml.eot_token_id", 4u).Key("tokenizer.ggml.padding_token_id", 0u);
        var result = GgufImport.Run(builder.Save(folder.File("model.gguf")), folder.File("new/model"));
        Assert.Equal(["chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"], Directory.GetFiles(folder.File("new/model")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["its chat template 'tool_use' was left out: only the default one is written"], result.Notes);
        Assert.Equal([2, 4], TargetConfig.Read(folder.File("new/model")).EndTokenIds);
        var tokenizer = Tokenizer.Load(folder.File("new/model"));
        Assert.Equal((1, 2, 0), (tokenizer.SpecialId("bos_token"), tokenizer.SpecialId("eos_token"), tokenizer.SpecialId("pad_token")));
        var one = JsonDocument.Parse("""{"role":"user","content":"7"}""").RootElement;
        Assert.Equal("7", ChatTemplate.Find(folder.File("new/model"), tokenizer.SpecialTokens)!.Render([one], new ChatTemplateOptions()).Text);
        Assert.Equal([1, 3, 7], tokenizer.Encode("7", addSpecialTokens: true));
        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(folder.File("new")).Select(Path.GetFileName));
    }

    [Fact]
    public void Experts_of_one_tensor_become_a_matrix_each()
    {
        using var folder = Golden.Temporary();
        var builder = new GgufBuilder();
        foreach (var (key, value) in new (string, uint)[] { ("block_count", 1), ("embedding_length", 8), ("attention.head_count", 2), ("context_length", 64), ("expert_count", 3), ("expert_used_count", 2), ("expert_feed_forward_length", 4) })
            builder.Key($"qwen3moe.{key}", value);
        builder.Key("general.architecture", "qwen3moe").Key("qwen3moe.attention.layer_norm_rms_epsilon", 1e-6f);
        foreach (var (name, shape) in new[] { ("token_embd", new long[] { 20, 8 }), ("output_norm", [8]), ("blk.0.attn_norm", [8]), ("blk.0.ffn_norm", [8]), ("blk.0.attn_q_norm", [4]), ("blk.0.attn_k_norm", [4]),
            ("blk.0.attn_q", [8, 8]), ("blk.0.attn_k", [8, 8]), ("blk.0.attn_v", [8, 8]), ("blk.0.attn_output", [8, 8]), ("blk.0.ffn_gate_inp", [3, 8]), ("blk.0.ffn_gate_exps", [3, 4, 8]), ("blk.0.ffn_up_exps", [3, 4, 8]), ("blk.0.ffn_down_exps", [3, 8, 4]) })
            builder.Tensor($"{name}.weight", shape, [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(i => (float)i)]);
        GgufImport.Run(GgufModels.Characters(builder, 20).Save(folder.File("model.gguf")), folder.File("model"));
        using var weights = SafetensorsFolder.Open(folder.File("model"));
        Assert.Equal(Enumerable.Range(64, 32).Select(i => (float)i), weights.ReadFloat32("model.layers.0.mlp.experts.2.down_proj.weight"));
        Assert.Equal([8L, 4], weights.Get("model.layers.0.mlp.experts.1.down_proj.weight").Shape);
        // Rows of q stay: only architecture llama turns pairs.
        Assert.Equal(Enumerable.Range(0, 64).Select(i => (float)i), weights.ReadFloat32("model.layers.0.self_attn.q_proj.weight"));
        var config = TargetConfig.Read(folder.File("model"));
        Assert.Equal((3, 2, 4, true, 0), (config.Experts!.Count, config.Experts.Chosen, config.Experts.Width, config.Experts.Rule.Normalize, config.DenseLayers.Count));
        Target.Load(folder.File("model")).Dispose();           // every tensor is where it is looked for
    }

    static GgufBuilder Wide()
    {
        var builder = new GgufBuilder().Key("general.architecture", "llama").Key("llama.block_count", 1u).Key("llama.embedding_length", 32u).Key("llama.feed_forward_length", 4u)
            .Key("llama.attention.head_count", 1u).Key("llama.attention.key_length", 4u).Key("llama.context_length", 64u).Key("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        foreach (var (name, shape) in new[] { ("token_embd", new long[] { 20, 32 }), ("output_norm", [32]), ("blk.0.attn_norm", [32]), ("blk.0.ffn_norm", [32]), ("blk.0.attn_q", [4, 32]), ("blk.0.attn_k", [4, 32]),
            ("blk.0.attn_v", [4, 32]), ("blk.0.attn_output", [32, 4]), ("blk.0.ffn_gate", [4, 32]), ("blk.0.ffn_up", [4, 32]), ("blk.0.ffn_down", [32, 4]) })
            builder.Tensor($"{name}.weight", shape, new float[shape.Aggregate((a, b) => a * b)]);
        return GgufModels.Characters(builder, 20);
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "the architecture 'mamba' is not supported", "general.architecture=mamba" },
        { "has no key 'general.architecture'", "-general.architecture" },
        { "has no key 'llama.block_count'", "-llama.block_count" },
        { "key 'llama.block_count' is 99999999", "llama.block_count=99999999" },
        { "missing (9): blk.1.attn_norm.weight [32]", "llama.block_count=2" },
        { "of another shape (2): blk.0.attn_k.weight F32 [4, 32] should be [8, 32]", "llama.attention.head_count_kv=2" },
        { "has no key 'llama.expert_used_count'", "llama.expert_count=8" },
        { "its attention is not causal", "*causal" },
        { "key 'llama.attention.scale' is 2, which is not supported", "llama.attention.scale=2" },
        { "key 'tokenizer.ggml.tokens' has 21 elements where 20 are the most", "*more" },
        { "partial rotation is not supported", "llama.rope.dimension_count=2" },
        { "'longrope'; supported: none, linear, yarn", "llama.rope.scaling.type=longrope" },
        { "key 'llama.rope.scale_linear' is missing or not positive", "llama.rope.scaling.type=linear" },
        { "has no key 'tokenizer.ggml.model'", "-tokenizer.ggml.model" },
        { "the tokenizer 't5' is not supported", "tokenizer.ggml.model=t5" },
        { "has no key 'tokenizer.ggml.pre'", "tokenizer.ggml.model=gpt2" },
        { "has no key 'tokenizer.ggml.scores'", "-tokenizer.ggml.scores" },
        { "key 'tokenizer.ggml.eos_token_id' is 20, of 20 tokens", "tokenizer.ggml.eos_token_id=20" },
        { "key 'tokenizer.ggml.tokens' should be an array of texts, it is Text", "tokenizer.ggml.tokens=x" },
        { "key 'llama.attention.head_count_kv' differs between layers", "*heads" },
        { "unexpected (1): blk.0.ffn_gate_exps.weight", "*experts" },
        { "tokens 5 and 6 are both 'x'", "*twice" },
        { "has 20 tokens and 19 token types", "*types" },
        { "the pre-tokenizer 'brand-new' is not known", "*pre" },
        { "merge 0 of tokenizer.ggml.merges, 'a b', does not join two tokens to a third", "*merge" },
        { "changes the rotation by a rule that is not known", "*rope" },
        { "too large for f16", "*large" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void What_is_not_supported_is_named_and_nothing_is_written(string says, string change)
    {
        using var folder = Golden.Temporary();
        var builder = Wide();
        string[] Tokens() => [.. Enumerable.Range(0, 20).Select(i => i is 5 or 6 ? "x" : $"t{i}")];
        if (change[0] == '-') builder.Without(change[1..]);
        else if (change[0] != '*') builder.Key(change.Split('=')[0], uint.TryParse(change.Split('=')[1], out var number) ? number : change.Split('=')[1]);
        else
            _ = change switch
            {
                "*heads" => builder.Key("llama.attention.head_count_kv", new[] { 1, 2 }),
                "*experts" => builder.Tensor("blk.0.ffn_gate_exps.weight", [1], [1f]),
                "*twice" => builder.Key("tokenizer.ggml.tokens", Tokens()),
                "*causal" => builder.Key("llama.attention.causal", false),
                "*more" => GgufModels.Characters(builder, 21),
                "*types" => builder.Key("tokenizer.ggml.token_type", new int[19]),
                "*pre" => builder.Key("tokenizer.ggml.model", "gpt2").Key("tokenizer.ggml.pre", "brand-new"),
                "*merge" => builder.Key("tokenizer.ggml.model", "gpt2").Key("tokenizer.ggml.pre", "gpt-2").Key("tokenizer.ggml.merges", new[] { "a b" }),
                "*rope" => builder.Tensor("rope_freqs.weight", [2], [1, 2.5f]),
                _ => builder.Without("output_norm.weight").Tensor("output_norm.weight", [32], [.. Enumerable.Repeat(7e4f, 32)]),
            };
        var problem = Assert.Throws<AerieException>(() => GgufImport.Run(builder.Save(folder.File("model.gguf")), folder.File("new/model"), SafetensorsType.F16));
        Assert.Contains(says, problem.Message, StringComparison.Ordinal);
        Assert.Equal([folder.File("model.gguf")], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_stopped_import_leaves_nothing_and_a_full_folder_is_not_touched()
    {
        using var folder = Golden.Temporary();
        var file = Wide().Save(folder.File("model.gguf"));
        using var stop = new CancellationTokenSource();
        var progress = new Stopping(stop);
        Assert.Throws<OperationCanceledException>(() => GgufImport.Run(file, folder.File("model"), SafetensorsType.BF16, progress, stop.Token));
        Assert.Equal([file], Directory.EnumerateFileSystemEntries(folder.Path));
        Directory.CreateDirectory(folder.File("full"));
        File.WriteAllText(folder.File("full/notes"), "mine");
        Assert.Contains("is not empty", Assert.Throws<AerieException>(() => GgufImport.Run(file, folder.File("full"))).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(folder.File("empty"));
        GgufImport.Run(file, folder.File("empty"));
        Assert.True(File.Exists(folder.File("empty/model.safetensors")));
    }

    sealed class Stopping(CancellationTokenSource source) : IProgress<Progress>
    {
        public void Report(Progress value) => source.Cancel();
    }
}
