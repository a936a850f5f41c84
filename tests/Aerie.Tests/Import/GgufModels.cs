// Hugging Face folders as llama.cpp's converter would write them: its names, its order of rows, its keys.
using System.Text.Json;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tests.Formats;

namespace Aerie.Tests.Import;

static class GgufModels
{
    static readonly (string Hf, string Gguf)[] Parts = [("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("self_attn.q_norm", "attn_q_norm"), ("self_attn.k_norm", "attn_k_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
        ("block_sparse_moe.gate", "ffn_gate_inp")];

    /// <summary>The network of a model folder, and a tokenizer of single characters.</summary>
    internal static GgufBuilder Of(string folder)
    {
        var c = TargetConfig.Read(folder);
        var family = TargetConfig.ArchitectureOf(ConfigFile.Open(folder)) switch { "Qwen2ForCausalLM" => "qwen2", "Qwen3ForCausalLM" => "qwen3", _ => "llama" };
        var builder = new GgufBuilder().Key("general.architecture", family).Key($"{family}.block_count", (uint)c.Layers).Key($"{family}.embedding_length", (uint)c.HiddenSize)
            .Key($"{family}.feed_forward_length", (uint)c.IntermediateSize).Key($"{family}.attention.head_count", (uint)c.Heads).Key($"{family}.attention.head_count_kv", (uint)c.KeyValueHeads)
            .Key($"{family}.attention.key_length", (uint)c.HeadSize).Key($"{family}.attention.value_length", (uint)c.HeadSize).Key($"{family}.rope.dimension_count", (uint)c.HeadSize)
            .Key($"{family}.context_length", (uint)c.MaxPositions).Key($"{family}.attention.layer_norm_rms_epsilon", c.RmsNormEps).Key($"{family}.rope.freq_base", (float)c.Rope.Theta);
        if (c.Windows.Count > 0) builder.Key("llama.attention.sliding_window", (uint)c.Windows[0]);
        if (c.Rope.Kind is "linear" or "yarn") builder.Key($"{family}.rope.scaling.type", c.Rope.Kind).Key($"{family}.rope.scaling.factor", (float)c.Rope.Factor);
        if (c.Rope.Kind == "yarn") builder.Key($"{family}.rope.scaling.original_context_length", (uint)c.Rope.OriginalLength).Key($"{family}.rope.scaling.yarn_beta_fast", (float)c.Rope.BetaFast);
        if (c.Rope.Kind == "llama3") builder.Tensor("rope_freqs.weight", [c.HeadSize / 2], Llama3(c));
        using var weights = SafetensorsFolder.Open(folder);
        if (c.Experts is { } experts)
        {
            builder.Key("llama.expert_count", (uint)experts.Count).Key("llama.expert_used_count", (uint)experts.Chosen);
            for (var layer = 0; layer < c.Layers; layer++)
                foreach (var (part, name) in new[] { ("gate", "w1"), ("down", "w2"), ("up", "w3") })
                {
                    string[] all = [.. Enumerable.Range(0, experts.Count).Select(e => $"model.layers.{layer}.block_sparse_moe.experts.{e}.{name}.weight")];
                    builder.Tensor($"blk.{layer}.ffn_{part}_exps.weight", 0, [experts.Count, .. weights.Get(all[0]).Shape], [.. all.SelectMany(n => weights.Bytes(n).ToArray())]);
                }
        }
        foreach (var entry in weights.Entries.Where(e => !e.Name.Contains(".experts.", StringComparison.Ordinal)))
        {
            var rows = weights.Bytes(entry.Name).ToArray().Chunk((int)(entry.ByteLength / entry.Shape[0])).ToArray();
            if (family == "llama" && (entry.Name.Contains("q_proj", StringComparison.Ordinal) || entry.Name.Contains("k_proj", StringComparison.Ordinal)))
            {
                // The converter's reshape(heads, 2, size/2).swapaxes(1, 2).
                var (size, ordered) = (c.HeadSize, new List<byte[]>());
                for (var head = 0; head < rows.Length / size; head++)
                    for (var pair = 0; pair < size / 2; pair++)
                        for (var half = 0; half < 2; half++) ordered.Add(rows[head * size + half * size / 2 + pair]);
                rows = [.. ordered];
            }
            builder.Tensor(NameOf(entry.Name), entry.Type switch { SafetensorsType.F32 => 0u, SafetensorsType.F16 => 1u, _ => 30u }, entry.Shape, [.. rows.SelectMany(b => b)]);
        }
        return Characters(builder, c.VocabularySize);
    }

    /// <summary>A tokenizer.json of ours or of the golden cases, as keys.</summary>
    internal static GgufBuilder Tokenizer(GgufBuilder builder, string file, string? pre)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        var (model, added) = (json.RootElement.GetProperty("model"), json.RootElement.GetProperty("added_tokens").EnumerateArray().ToList());
        var tokens = new SortedDictionary<int, (string Text, int Kind)>();
        foreach (var token in model.GetProperty("vocab").EnumerateObject()) tokens[token.Value.GetInt32()] = (token.Name, pre is null && token.Name is ['<', '0', 'x', _, _, '>'] ? 6 : 1);
        foreach (var token in added) tokens[token.GetProperty("id").GetInt32()] = (token.GetProperty("content").GetString()!, token.GetProperty("special").GetBoolean() ? 3 : 4);
        for (var i = 0; i < tokens.Keys.Last(); i++) tokens.TryAdd(i, ($"[PAD{i}]", 5));
        builder.Key("tokenizer.ggml.model", pre is null ? "llama" : "gpt2").Key("tokenizer.ggml.tokens", tokens.Values.Select(t => t.Text).ToArray()).Key("tokenizer.ggml.token_type", tokens.Values.Select(t => t.Kind).ToArray());
        if (pre is null)
        {
            builder.Key("tokenizer.ggml.scores", tokens.Select(t => t.Value.Kind == 1 ? -(float)t.Key : 0).ToArray()).Without("tokenizer.ggml.unknown_token_id").Key("tokenizer.ggml.unknown_token_id", 0u);
            builder.Key("tokenizer.ggml.bos_token_id", 1u).Key("tokenizer.ggml.eos_token_id", 2u);
        }
        else
        {
            builder.Key("tokenizer.ggml.pre", pre).Key("tokenizer.ggml.merges", model.GetProperty("merges").EnumerateArray().Select(m => m.ValueKind == JsonValueKind.Array ? $"{m[0]} {m[1]}" : m.GetString()!).ToArray());
            foreach (var name in (string[])["scores", "unknown_token_id", "bos_token_id", "eos_token_id"]) builder.Without($"tokenizer.ggml.{name}");
            if (json.RootElement.GetProperty("post_processor") is { ValueKind: JsonValueKind.Object } post && post.GetRawText().Contains("\"SpecialToken\"", StringComparison.Ordinal))
                builder.Key("tokenizer.ggml.add_bos_token", true).Key("tokenizer.ggml.bos_token_id", (uint)added.First(t => post.GetRawText().Contains($"\"{t.GetProperty("content")}\"", StringComparison.Ordinal)).GetProperty("id").GetInt32());
        }
        // The smallest network that has room for these tokens.
        var rows = tokens.Count;
        return builder.Key("llama.block_count", 1u).Without("token_embd.weight").Without("output.weight").Tensor("token_embd.weight", [rows, 4], new float[rows * 4]);
    }

    /// <summary>A Llama of one layer, two heads of two, without a tokenizer.</summary>
    internal static GgufBuilder Smallest()
    {
        var builder = new GgufBuilder().Key("general.architecture", "llama").Key("llama.block_count", 1u).Key("llama.embedding_length", 4u).Key("llama.feed_forward_length", 4u)
            .Key("llama.attention.head_count", 2u).Key("llama.context_length", 64u).Key("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .Tensor("output_norm.weight", [4], new float[4]).Tensor("blk.0.attn_norm.weight", [4], new float[4]).Tensor("blk.0.ffn_norm.weight", [4], new float[4]);
        foreach (var name in (string[])["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]) builder.Tensor($"blk.0.{name}.weight", [4, 4], new float[16]);
        return builder;
    }

    internal static GgufBuilder Characters(GgufBuilder builder, int count) => builder.Key("tokenizer.ggml.model", "llama")
        .Key("tokenizer.ggml.tokens", Enumerable.Range(0, count).Select(i => i switch { 0 => "<unk>", 1 => "<s>", 2 => "</s>", 3 => "▁", _ => $"{(char)('0' + i)}" }).ToArray())
        .Key("tokenizer.ggml.token_type", Enumerable.Range(0, count).Select(i => i switch { 0 => 2, 1 or 2 => 3, _ => 1 }).ToArray())
        .Key("tokenizer.ggml.scores", Enumerable.Range(0, count).Select(i => -(float)i).ToArray())
        .Key("tokenizer.ggml.bos_token_id", 1u).Key("tokenizer.ggml.eos_token_id", 2u);

    static string NameOf(string hf) => hf switch
    {
        "model.embed_tokens.weight" => "token_embd.weight",
        "model.norm.weight" => "output_norm.weight",
        "lm_head.weight" => "output.weight",
        _ => hf.Split('.') is [_, _, var layer, .. var name, var end] ? $"blk.{layer}.{Parts.Single(p => p.Hf == string.Join('.', name)).Gguf}.{end}" : throw new ArgumentException(hf),
    };

    // The converter computes the wavelengths in float32.
    static float[] Llama3(TargetConfig c) => [.. Enumerable.Range(0, c.HeadSize / 2).Select(i =>
    {
        var wave = 2 * MathF.PI * MathF.Pow((float)c.Rope.Theta, 2f * i / c.HeadSize);
        if (wave < c.Rope.OriginalLength / c.Rope.HighFrequencyFactor) return 1f;
        if (wave > c.Rope.OriginalLength / c.Rope.LowFrequencyFactor) return (float)c.Rope.Factor;
        var smooth = (c.Rope.OriginalLength / wave - c.Rope.LowFrequencyFactor) / (c.Rope.HighFrequencyFactor - c.Rope.LowFrequencyFactor);
        return (float)(1 / ((1 - smooth) / c.Rope.Factor + smooth));
    })];
}
