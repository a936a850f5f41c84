// What a GGUF file says about the network: its config.json, and every tensor with its Hugging Face name and shape.
//   token_embd, output_norm, output (absent: tied)   and per layer, after blk.{i}.:
//   attn_norm, attn_{q,k,v,output}, attn_{q,k}_norm (qwen3), ffn_norm, ffn_{gate,up,down}; .weight, and .bias where the model has them
//   experts (qwen3moe; llama with experts is Mixtral): ffn_gate_inp, ffn_{gate,up,down}_exps with all experts of a layer in one tensor, which become a matrix each
// llama.cpp rotates neighbouring pairs in architecture llama: its converter put row (2i + s) of a head where Hugging Face has row (s size/2 + i). That is turned back.
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Import;

/// <summary>A tensor to be written.</summary>
/// <param name="Name">Name in the Hugging Face checkpoint.</param>
/// <param name="Source">The tensor in the GGUF file.</param>
/// <param name="Shape">Dimensions to be written: those of the tensor, or of a part of it.</param>
/// <param name="FirstRow">Row of the tensor where the part begins.</param>
/// <param name="HeadSize">Rows of a head whose order is turned back; 0: rows stay.</param>
readonly record struct GgufWeight(string Name, GgufTensor Source, long[] Shape, long FirstRow = 0, int HeadSize = 0)
{
    internal long Count => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A tensor that the GGUF file should have. An empty Hf: it is cut into parts.</summary>
readonly record struct GgufSlot(string Name, string Hf, long[] Shape, bool Rotated = false, bool Optional = false, Func<int, string>? Part = null);

sealed class GgufNetwork
{
    const int MostListed = 8;
    static readonly (string Gguf, string ModelType, string Architecture)[] Families =
        [("llama", "llama", "LlamaForCausalLM"), ("qwen2", "qwen2", "Qwen2ForCausalLM"), ("qwen3", "qwen3", "Qwen3ForCausalLM"), ("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM")];

    // Keys that change what a network computes and that none of these families has.
    static readonly string[] Foreign = ["expert_shared_count", "expert_group_count", "attention.scale", "logit_scale", "residual_scale", "embedding_scale", "attention.clamp_kqv", "attention.max_alibi_bias", "rope.scaling.yarn_log_multiplier"];

    readonly GgufModel model;
    readonly GgufFile keys;
    readonly string prefix;
    readonly int layers, hidden, intermediate, heads, keyHeads, headSize, experts, expertsUsed, expertWidth;
    readonly long vocabulary, window;
    readonly bool tied, attentionBias, outputBias, mlpBias;

    internal GgufNetwork(GgufModel model)
    {
        (this.model, keys) = (model, model.Keys);
        prefix = keys.Text("general.architecture") ?? throw keys.Bad("has no key 'general.architecture'", "Is it a model? Tokenizers and adapters come as GGUF files too.");
        if (keys.Text("general.type") is { } type and not "model") throw keys.Bad($"is of general.type '{type}', not a model");
        (_, ModelType, Architecture) = Array.Find(Families, f => f.Gguf == prefix);
        if (ModelType is null) throw keys.Bad($"the architecture '{prefix}' is not supported", $"Supported: {string.Join(", ", Families.Select(f => f.Gguf))} (llama.cpp calls Mistral llama too).");
        foreach (var name in Foreign)
            if (Number(name) is not (null or 0)) throw keys.Bad($"key '{prefix}.{name}' is {Number(name)}, which is not supported for {prefix}");
        if (keys.Flag($"{prefix}.attention.causal") == false) throw keys.Bad("its attention is not causal: it is no language model");
        layers = Size("block_count", 1 << 14);
        hidden = Size("embedding_length", 1 << 24);
        if (prefix is "qwen3moe" || Whole("expert_count") is not (null or 0))
        {
            if (prefix is not ("qwen3moe" or "llama")) throw keys.Bad($"key '{prefix}.expert_count' is {Whole("expert_count")}, which is not supported for {prefix}");
            (experts, expertsUsed) = (Size("expert_count", 1 << 14), Size("expert_used_count", 1 << 14));
            if (Number("expert_weights_scale") is not (null or 0 or 1)) throw keys.Bad($"key '{prefix}.expert_weights_scale' is {Number("expert_weights_scale")}, which is not supported");
            if (Whole("expert_gating_func") is not (null or 0 or 1)) throw keys.Bad($"key '{prefix}.expert_gating_func' is {Whole("expert_gating_func")}; supported: 1 (softmax)");
        }
        // Qwen's converter leaves the dense width out where no layer is dense.
        intermediate = prefix == "qwen3moe" && !keys.Has($"{prefix}.feed_forward_length") ? Size("expert_feed_forward_length", 1 << 24) : Size("feed_forward_length", 1 << 24);
        expertWidth = prefix != "qwen3moe" ? intermediate : keys.Has($"{prefix}.expert_feed_forward_length") ? Size("expert_feed_forward_length", 1 << 24) : intermediate / expertsUsed;
        heads = Size("attention.head_count", 1 << 14);
        keyHeads = keys.Has($"{prefix}.attention.head_count_kv") ? Size("attention.head_count_kv", 1 << 14) : heads;
        headSize = keys.Has($"{prefix}.attention.key_length") ? Size("attention.key_length", 1 << 14) : hidden / heads;
        if (headSize < 2 || headSize % 2 != 0) throw keys.Bad($"{hidden} numbers in {heads} heads give heads of {headSize}, which cannot be rotated");
        if (Whole("attention.value_length") is { } values && values != headSize) throw keys.Bad($"key '{prefix}.attention.value_length' is {values}, the heads' size {headSize}: not supported");
        if (Whole("rope.dimension_count") is { } rotated && rotated != headSize) throw keys.Bad($"key '{prefix}.rope.dimension_count' is {rotated} of heads of {headSize}: partial rotation is not supported");
        Context = Size("context_length", int.MaxValue);
        Rope = GgufRope.Read(model, prefix, headSize, Context);
        if (model.Find("token_embd.weight") is not { Shape: [var rows, _] }) throw keys.Bad("has no tensor 'token_embd.weight'", "Is it a model? Tokenizers and adapters come as GGUF files too.");
        vocabulary = rows;
        tied = model.Find("output.weight") is null;
        attentionBias = model.Find("blk.0.attn_q.bias") is not null;
        outputBias = model.Find("blk.0.attn_output.bias") is not null;
        mlpBias = model.Find("blk.0.ffn_gate.bias") is not null;
        // Only where the file says so: llama.cpp's converter drops the window of the first Mistral.
        window = prefix == "llama" ? Whole("attention.sliding_window") ?? 0 : 0;
        if (prefix == "llama" && (experts > 0 || window > 0))
        {
            (ModelType, Architecture) = experts > 0 ? ("mixtral", "MixtralForCausalLM") : ("mistral", "MistralForCausalLM");
            if (attentionBias || mlpBias) throw keys.Bad($"has biases, which {Architecture} has not");
        }
        if (prefix == "qwen2" ? !attentionBias || outputBias : attentionBias != outputBias) throw keys.Bad($"q {(attentionBias ? "has" : "has no")} bias and the attention's output {(outputBias ? "has" : "has no")}: not supported for {prefix}");
        Weights = Match();
    }

    /// <summary>The GGUF file's word for the architecture.</summary>
    internal string Name => prefix;

    internal string ModelType { get; }

    internal string Architecture { get; }

    internal int Context { get; }

    internal long Vocabulary => vocabulary;

    internal GgufRope Rope { get; }

    internal IReadOnlyList<GgufWeight> Weights { get; }

    /// <summary>Writes config.json.</summary>
    internal void WriteConfig(Utf8JsonWriter json, string dtype, GgufTokenizer tokenizer)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(Architecture);
        json.WriteEndArray();
        json.WriteString("model_type", ModelType);
        json.WriteNumber("num_hidden_layers", layers);
        json.WriteNumber("hidden_size", hidden);
        json.WriteNumber("intermediate_size", intermediate);
        json.WriteNumber("num_attention_heads", heads);
        json.WriteNumber("num_key_value_heads", keyHeads);
        json.WriteNumber("head_dim", headSize);
        json.WriteNumber("vocab_size", vocabulary);
        json.WriteNumber("max_position_embeddings", Context);
        json.WriteNumber("rms_norm_eps", Number("attention.layer_norm_rms_epsilon") is { } eps and >= 0 and < 1 ? eps : throw keys.Bad($"key '{prefix}.attention.layer_norm_rms_epsilon' is missing or no epsilon"));
        json.WriteString("hidden_act", "silu");
        Rope.Write(json);
        json.WriteBoolean("tie_word_embeddings", tied);
        if (ModelType is "llama" or "qwen3" or "qwen3_moe") json.WriteBoolean("attention_bias", attentionBias);
        if (ModelType == "llama") json.WriteBoolean("mlp_bias", mlpBias);
        if (window > 0) json.WriteNumber("sliding_window", window);
        if (prefix != "llama") json.WriteBoolean("use_sliding_window", false);
        if (experts > 0)
        {
            json.WriteNumber(prefix == "llama" ? "num_local_experts" : "num_experts", experts);
            json.WriteNumber("num_experts_per_tok", expertsUsed);
        }
        if (prefix == "qwen3moe")
        {
            json.WriteNumber("moe_intermediate_size", expertWidth);
            json.WriteBoolean("norm_topk_prob", true);                 // llama.cpp knows no other way for it
            json.WriteNumber("decoder_sparse_step", 1);
            json.WriteStartArray("mlp_only_layers");
            json.WriteEndArray();
        }
        tokenizer.WriteIds(json);
        json.WriteString("torch_dtype", dtype);
        json.WriteEndObject();
    }

    List<GgufWeight> Match()
    {
        var (found, known) = (new List<GgufWeight>(), new HashSet<string> { GgufRope.Frequencies });
        List<string> missing = [], misshaped = [];
        foreach (var slot in Slots())
        {
            known.Add(slot.Name);
            if (model.Find(slot.Name) is not { } tensor)
            {
                if (!slot.Optional) missing.Add($"{slot.Name} [{string.Join(", ", slot.Shape)}]");
                continue;
            }
            if (!tensor.Shape.AsSpan().SequenceEqual(slot.Shape)) misshaped.Add($"{tensor} should be [{string.Join(", ", slot.Shape)}]");
            else if (slot.Part is { } part)
                for (var i = 0; i < slot.Shape[0]; i++) found.Add(new GgufWeight(part(i), tensor, slot.Shape[1..], i * slot.Shape[1]));
            else found.Add(new GgufWeight(slot.Hf, tensor, slot.Shape, 0, slot.Rotated && prefix == "llama" ? headSize : 0));
        }
        var unexpected = model.Names.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal).ToList();
        if (missing.Count + misshaped.Count + unexpected.Count == 0) return found;
        var problems = new[] { ("missing", missing), ("of another shape", misshaped), ("unexpected", unexpected) }.Where(p => p.Item2.Count > 0)
            .Select(p => $"{p.Item1} ({p.Item2.Count}): {string.Join(", ", p.Item2.Take(MostListed))}{(p.Item2.Count > MostListed ? ", ..." : "")}");
        throw keys.Bad($"the tensors do not fit architecture {prefix}; {string.Join("; ", problems)}", "The file is damaged, or made by a version of llama.cpp that puts more into it.");
    }

    IEnumerable<GgufSlot> Slots()
    {
        yield return new("token_embd.weight", "model.embed_tokens.weight", [vocabulary, hidden]);
        yield return new("output_norm.weight", "model.norm.weight", [hidden]);
        yield return new("output.weight", "lm_head.weight", [vocabulary, hidden], Optional: true);
        for (var i = 0; i < layers; i++)
            foreach (var slot in Layer($"blk.{i}.", $"model.layers.{i}.")) yield return slot;
    }

    IEnumerable<GgufSlot> Layer(string own, string hf)
    {
        long queries = (long)heads * headSize, keyWidth = (long)keyHeads * headSize;
        var norms = prefix is "qwen3" or "qwen3moe";
        foreach (var (part, name, size, there) in ((string, string, long, bool)[])[("attn_norm", "input_layernorm", hidden, true), ("ffn_norm", "post_attention_layernorm", hidden, true),
            ("attn_q_norm", "self_attn.q_norm", headSize, norms), ("attn_k_norm", "self_attn.k_norm", headSize, norms)])
            if (there) yield return new($"{own}{part}.weight", $"{hf}{name}.weight", [size]);
        foreach (var (part, name, rows, columns, bias) in ((string, string, long, long, bool)[])[
            ("attn_q", "self_attn.q_proj", queries, hidden, attentionBias), ("attn_k", "self_attn.k_proj", keyWidth, hidden, attentionBias),
            ("attn_v", "self_attn.v_proj", keyWidth, hidden, attentionBias), ("attn_output", "self_attn.o_proj", hidden, queries, outputBias),
            .. experts > 0 ? ((string, string, long, long, bool)[])[] : [("ffn_gate", "mlp.gate_proj", intermediate, hidden, mlpBias), ("ffn_up", "mlp.up_proj", intermediate, hidden, mlpBias), ("ffn_down", "mlp.down_proj", hidden, intermediate, mlpBias)]])
        {
            var rotated = part is "attn_q" or "attn_k";
            yield return new($"{own}{part}.weight", $"{hf}{name}.weight", [rows, columns], rotated);
            if (bias) yield return new($"{own}{part}.bias", $"{hf}{name}.bias", [rows], rotated);
        }
        if (experts == 0) yield break;
        var (block, gate, up, down) = prefix == "llama" ? ("block_sparse_moe", "w1", "w3", "w2") : ("mlp", "gate_proj", "up_proj", "down_proj");
        yield return new($"{own}ffn_gate_inp.weight", $"{hf}{block}.gate.weight", [experts, hidden]);
        foreach (var (part, name, rows, columns) in ((string, string, long, long)[])[("gate", gate, expertWidth, hidden), ("up", up, expertWidth, hidden), ("down", down, hidden, expertWidth)])
            yield return new($"{own}ffn_{part}_exps.weight", "", [experts, rows, columns], Part: expert => $"{hf}{block}.experts.{expert}.{name}.weight");
    }

    double? Number(string name) => keys.IsArray($"{prefix}.{name}") ? throw keys.Bad($"key '{prefix}.{name}' is an array") : keys.Number($"{prefix}.{name}");

    // One number, or the same for every layer.
    long? Whole(string name)
    {
        var key = $"{prefix}.{name}";
        if (!keys.IsArray(key)) return keys.Whole(key);
        var each = keys.Wholes(key)!;
        return each.Length > 0 && each.All(n => n == each[0]) ? each[0] : throw keys.Bad($"key '{key}' differs between layers, which is not supported");
    }

    int Size(string name, int most) => Whole(name) switch
    {
        null => throw keys.Bad($"has no key '{prefix}.{name}'"),
        { } size when size >= 1 && size <= most => (int)size,
        { } size => throw keys.Bad($"key '{prefix}.{name}' is {size}; 1 to {most} are possible"),
    };
}
