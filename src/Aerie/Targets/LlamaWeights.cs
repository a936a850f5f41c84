// Names of a Llama checkpoint, and how they become the parameters of ours: [q; k; v] and [gate; up] are one product each.
//   model.embed_tokens.weight [V, H]      model.norm.weight [H]      lm_head.weight [V, H] (absent if tied)      model.layers.{i}. and
//   input_layernorm.weight, post_attention_layernorm.weight [H]      self_attn.{q,k,v}_proj [n d | m d | m d, H]      self_attn.o_proj [H, n d]
//   mlp.{gate,up}_proj [I, H]      mlp.down_proj [H, I]              .bias beside .weight where the config says so
//   self_attn.{q,k}_norm.weight [d] (Qwen3)
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>The parameters of one layer.</summary>
public sealed record LlamaLayer(Parameter AttentionNorm, Parameter QueryKeyValue, Tensor? QueryKeyValueBias, Parameter AttentionOutput, Tensor? AttentionOutputBias,
    Parameter MlpNorm, Parameter GateUp, Tensor? GateUpBias, Parameter Down, Tensor? DownBias, Parameter? QueryNorm = null, Parameter? KeyNorm = null) : IDisposable
{
    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var parameter in (Parameter?[])[AttentionNorm, QueryKeyValue, AttentionOutput, MlpNorm, GateUp, Down, QueryNorm, KeyNorm]) parameter?.Dispose();
        foreach (var bias in (Tensor?[])[QueryKeyValueBias, AttentionOutputBias, GateUpBias, DownBias]) bias?.Dispose();
    }
}

/// <summary>All parameters of a Llama model. The head is the embedding's parameter where they are tied.</summary>
public sealed record LlamaWeights(Parameter Embedding, IReadOnlyList<LlamaLayer> Layers, Parameter Norm, Parameter Head) : IDisposable
{
    /// <summary>Reads a checkpoint.</summary>
    /// <param name="config">The config that it must fit.</param>
    /// <param name="files">The checkpoint.</param>
    /// <param name="precision">How products read the weights; null: bf16 for a checkpoint in bf16, else f32.</param>
    /// <exception cref="AerieException">Tensors are missing, unexpected or of another shape.</exception>
    public static LlamaWeights Read(TargetConfig config, SafetensorsFolder files, Precision? precision = null)
    {
        var found = WeightTable.Match(files, Slots(config), name => name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal) ? null : name);
        var products = precision ?? (files.Get(found[Embed]).Type == SafetensorsType.BF16 ? Precision.BF16 : Precision.F32);
        return new Reader(config, files, found, products).Read();
    }

    const string Embed = "model.embed_tokens.weight", HeadName = "lm_head.weight", NormName = "model.norm.weight";

    /// <summary>Every tensor of a checkpoint, with its shape.</summary>
    public static IEnumerable<WeightSlot> Slots(TargetConfig c)
    {
        var (queries, keys) = (c.Heads * c.HeadSize, c.KeyValueHeads * c.HeadSize);
        yield return new(Embed, c.VocabularySize, c.HiddenSize);
        for (var i = 0; i < c.Layers; i++)
        {
            foreach (var norm in (string[])["input_layernorm", "post_attention_layernorm"]) yield return WeightSlot.Vector(InLayer(i, norm), c.HiddenSize);
            if (c.QueryKeyNorm)
                foreach (var norm in (string[])["self_attn.q_norm", "self_attn.k_norm"]) yield return WeightSlot.Vector(InLayer(i, norm), c.HeadSize);
            foreach (var (name, rows, cols, bias) in ((string, int, int, bool)[])[
                ("self_attn.q_proj", queries, c.HiddenSize, c.AttentionBias), ("self_attn.k_proj", keys, c.HiddenSize, c.AttentionBias),
                ("self_attn.v_proj", keys, c.HiddenSize, c.AttentionBias), ("self_attn.o_proj", c.HiddenSize, queries, c.OutputBias),
                ("mlp.gate_proj", c.IntermediateSize, c.HiddenSize, c.MlpBias), ("mlp.up_proj", c.IntermediateSize, c.HiddenSize, c.MlpBias),
                ("mlp.down_proj", c.HiddenSize, c.IntermediateSize, c.MlpBias)])
            {
                yield return new(InLayer(i, name), rows, cols);
                if (bias) yield return WeightSlot.Vector(InLayer(i, name, "bias"), rows);
            }
        }
        yield return WeightSlot.Vector(NormName, c.HiddenSize);
        yield return new(HeadName, c.VocabularySize, c.HiddenSize, Optional: c.TiedEmbeddings);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (var layer in Layers) layer.Dispose();
        foreach (var parameter in (Parameter[])[Embedding, Norm, Head]) parameter.Dispose();
    }

    static string InLayer(int layer, string name, string part = "weight") => $"model.layers.{layer}.{name}.{part}";

    sealed class Reader(TargetConfig config, SafetensorsFolder files, Dictionary<string, string> found, Precision precision)
    {
        public LlamaWeights Read()
        {
            var embedding = Matrix(Embed, [Embed]);
            var layers = Enumerable.Range(0, config.Layers).Select(Layer).ToArray();
            // Some writers store a tied head too; a head that is there is believed, as transformers does.
            var head = found.ContainsKey(HeadName) && !SameBytes(HeadName, Embed) ? Matrix(HeadName, [HeadName]) : embedding;
            return new LlamaWeights(embedding, layers, Vector(NormName), head);
        }

        LlamaLayer Layer(int i)
        {
            Parameter Product(params string[] parts) => Matrix(InLayer(i, string.Join('+', parts)), [.. parts.Select(p => InLayer(i, p))], release: true);
            Tensor? Bias(bool there, params string[] parts) => there ? Concatenated([.. parts.Select(p => InLayer(i, p, "bias"))]) : null;
            string[] qkv = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], output = ["self_attn.o_proj"], gateUp = ["mlp.gate_proj", "mlp.up_proj"], down = ["mlp.down_proj"];
            return new LlamaLayer(
                Vector(InLayer(i, "input_layernorm")), Product(qkv), Bias(config.AttentionBias, qkv), Product(output), Bias(config.OutputBias, output),
                Vector(InLayer(i, "post_attention_layernorm")), Product(gateUp), Bias(config.MlpBias, gateUp), Product(down), Bias(config.MlpBias, down),
                config.QueryKeyNorm ? Vector(InLayer(i, "self_attn.q_norm")) : null, config.QueryKeyNorm ? Vector(InLayer(i, "self_attn.k_norm")) : null);
        }

        Parameter Matrix(string name, string[] parts, bool release = false)
        {
            var stored = Array.ConvertAll(parts, p => found[p]);
            var dtype = stored.All(s => files.Get(s).Type == SafetensorsType.BF16) ? DType.BF16 : DType.F32;
            return new Parameter(name, WeightTable.Stack(files, dtype, (int)files.Get(stored[0]).Shape[1], stored), precision: precision) { ReleasedWhenPacked = release };
        }

        Parameter Vector(string name) => new(name, WeightTable.Vector(files, found[name]));

        Tensor Concatenated(string[] names)
        {
            using var column = WeightTable.Stack(files, DType.F32, 1, Array.ConvertAll(names, n => found[n]));
            var vector = Tensor.Allocate(new Shape(column.Rows));
            vector.CopyFrom(column);
            return vector;
        }

        bool SameBytes(string a, string b)
        {
            var (first, second) = (files.Get(found[a]), files.Get(found[b]));
            if (first.Type != second.Type || first.ByteLength != second.ByteLength) return false;
            const int Piece = 1 << 24;
            for (long at = 0; at < first.ByteLength; at += Piece)
            {
                var count = (int)Math.Min(Piece, first.ByteLength - at);
                if (!files.Bytes(found[a], at, count).SequenceEqual(files.Bytes(found[b], at, count))) return false;
            }
            return true;
        }
    }
}
