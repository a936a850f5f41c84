// The EAGLE-3 drafter: one transformer layer whose attention reads [embedding ; hidden state] (Li et al. 2025, arXiv:2503.01840; EAGLE-3.1 adds fc_norm, norm_output).
//   h = fc(aux layers of the target)      q, k, v = W [norm(e) ; norm(h)]      r = h + O attention      out = r + down(silu(gate y) up y), y = norm(r)
// In memory q;k;v are the rows of one matrix and gate;up of another, so that one product makes them; on disk they have their own names (Parts).
using Aerie.Data;
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Drafters;

/// <summary>What a drafter's parameters are for.</summary>
/// <param name="Trainable">They have gradients and are float32 masters.</param>
/// <param name="TrainEmbeddings">The embedding too.</param>
/// <param name="Precision">How products read them.</param>
/// <param name="Frozen">How frozen weights are kept.</param>
public readonly record struct Eagle3Use(bool Trainable, bool TrainEmbeddings = false, Precision Precision = Precision.F32, DType Frozen = DType.F32)
{
    /// <summary>For decoding: bf16 weights, nothing trained.</summary>
    public static Eagle3Use Inference => new(false, false, Precision.BF16, DType.BF16);
}

/// <summary>A tensor on disk: rows of a parameter in memory.</summary>
/// <param name="Name">Canonical name: no <c>model.</c> in front, <c>layers.0.</c> for the one layer.</param>
/// <param name="Parameter">The parameter that holds it.</param>
/// <param name="Begin">First row (of a vector: element).</param>
/// <param name="Count">Rows.</param>
public readonly record struct Eagle3Part(string Name, Parameter Parameter, int Begin, int Count)
{
    /// <summary>These rows of the parameter's value, or of any tensor shaped like it (gradient, moments).</summary>
    public Tensor Of(Tensor like) => like.Slice(Begin, Count);
}

/// <summary>The parameters of an EAGLE-3 drafter. Owner of all of them, but of an embedding that is the target's.</summary>
public sealed class Eagle3 : IDisposable
{
    readonly List<Eagle3Part> parts = [];
    readonly bool ownsEmbedding;
    readonly Parameter? fc;

    /// <summary>A drafter with the weights of a folder.</summary>
    /// <param name="weights">The opened folder; it may be closed afterwards.</param>
    /// <param name="use">What for.</param>
    /// <param name="targetEmbedding">Used where the folder has no embedding.</param>
    /// <param name="targetHead">Copied where the folder has no lm_head.</param>
    public Eagle3(Eagle3Weights weights, Eagle3Use use, Parameter? targetEmbedding = null, Parameter? targetHead = null)
        : this(weights.Config, VocabularyOf(weights), use, new FromFolder(weights, targetHead, use), weights.Has("embed_tokens.weight") ? null : targetEmbedding
            ?? throw new AerieException("the drafter's folder has no embed_tokens.weight", "Give the target: its embedding is used then."))
    { }

    /// <summary>A new drafter: matrices N(0, <paramref name="deviation"/>), norms 1, biases 0; the rows of lm_head are those of the target's head.</summary>
    /// <param name="config">The network.</param>
    /// <param name="vocabulary">Its draft vocabulary.</param>
    /// <param name="use">What for.</param>
    /// <param name="seed">Of the random numbers; each tensor has its own stream.</param>
    /// <param name="targetEmbedding">The target's embedding: shared if frozen, copied if trained.</param>
    /// <param name="targetHead">The target's head [V, Ht]; null, or where H is not Ht: lm_head is random too.</param>
    /// <param name="deviation">initializer_range.</param>
    /// <param name="attentionBias">q, k, v and o have biases.</param>
    /// <param name="mlpBias">gate, up and down have biases.</param>
    public Eagle3(Eagle3Config config, DraftVocabulary vocabulary, Eagle3Use use, ulong seed, Parameter targetEmbedding, Parameter? targetHead = null,
        float deviation = 0.02f, bool attentionBias = false, bool mlpBias = false)
        : this(config, vocabulary, use, new FromSeed(seed, deviation, vocabulary, targetEmbedding, targetHead, attentionBias, mlpBias), use.TrainEmbeddings ? null : targetEmbedding) { }

    Eagle3(Eagle3Config config, DraftVocabulary vocabulary, Eagle3Use use, IWeightSource source, Parameter? sharedEmbedding)
    {
        (Config, Vocabulary, ownsEmbedding) = (config, vocabulary, sharedEmbedding is null);
        var (hidden, queries, keys) = (config.HiddenSize, config.Heads * config.HeadSize, config.KeyValueHeads * config.HeadSize);
        if (use.Trainable && config.NotTrained is { } form) throw new MachineException($"this version does not train {form}; it decodes with them.");
        if (vocabulary.Size != config.DraftVocabularySize || vocabulary.TargetVocabSize != config.VocabularySize)
            throw new ArgumentException($"a draft vocabulary of {vocabulary.Size} of {vocabulary.TargetVocabSize} tokens for a config of {config.DraftVocabularySize} of {config.VocabularySize}");
        if (sharedEmbedding is not null && (sharedEmbedding.Rows < config.VocabularySize || sharedEmbedding.Cols != hidden))
            throw new AerieException($"the target's embedding {sharedEmbedding.Value} does not fit a drafter of {config.VocabularySize} tokens and width {hidden}", "The drafter belongs to another target.");

        Embedding = sharedEmbedding ?? Matrix("embed_tokens", hidden, use.TrainEmbeddings, ("embed_tokens", config.VocabularySize));
        fc = config.LastHiddenOnly ? null : Matrix("fc", config.AuxWidth, true, ("fc", hidden));
        FcNorms = config.FcNorm ? [.. Enumerable.Range(0, config.AuxCount).Select(i => Vector($"fc_norm.{i}", config.TargetHiddenSize))] : [];
        InputNorm = config.NormBeforeFc ? Vector("input_norm", config.AuxWidth) : null;
        HiddenNorm = Vector("layers.0.hidden_norm", hidden);
        Layers = [.. Enumerable.Range(0, config.Layers).Select(i => Layer($"layers.{i}.", i == 0 ? 2 * hidden : hidden))];
        Norm = Vector("norm", hidden);
        Head = Matrix("lm_head", hidden, true, ("lm_head", config.DraftVocabularySize));

        Eagle3Layer Layer(string layer, int cols)
        {
            var (attention, mlp) = (layer + "self_attn.", layer + "mlp.");
            (string, int)[] qkv = [(attention + "q_proj", queries), (attention + "k_proj", keys), (attention + "v_proj", keys)], output = [(attention + "o_proj", hidden)];
            (string, int)[] gateUp = [(mlp + "gate_proj", config.IntermediateSize), (mlp + "up_proj", config.IntermediateSize)], down = [(mlp + "down_proj", hidden)];
            return new(
                Vector(layer + "input_layernorm", hidden),
                Matrix(attention + "qkv_proj", cols, true, qkv), Bias(attention + "qkv_proj", qkv),
                config.QueryKeyNorm ? Vector(attention + "q_norm", config.HeadSize) : null, config.QueryKeyNorm ? Vector(attention + "k_norm", config.HeadSize) : null,
                Matrix(attention + "o_proj", queries, true, output), Bias(attention + "o_proj", output),
                Vector(layer + "post_attention_layernorm", hidden),
                Matrix(mlp + "gate_up_proj", hidden, true, gateUp), Bias(mlp + "gate_up_proj", gateUp),
                Matrix(mlp + "down_proj", config.IntermediateSize, true, down), Bias(mlp + "down_proj", down));
        }

        Parameter Matrix(string name, int cols, bool train, params (string Name, int Rows)[] rows)
        {
            train &= use.Trainable;
            var value = source.Matrix(train ? DType.F32 : use.Frozen, cols, rows);
            return Add(new Parameter(name + ".weight", value, train, use.Precision), ".weight", rows);
        }

        Parameter Vector(string name, int length)
            => Add(new Parameter(name + ".weight", source.Vector(name + ".weight", length)!, use.Trainable), ".weight", (name, length));

        Parameter? Bias(string name, params (string Name, int Rows)[] rows)
        {
            var pieces = Array.ConvertAll(rows, row => source.Vector(row.Name + ".bias", row.Rows));
            if (pieces.All(p => p is null)) return null;
            var bias = Tensor.Allocate(new Shape(rows.Sum(r => r.Rows)));
            var at = 0;
            for (var i = 0; i < rows.Length; at += rows[i++].Rows)
            {
                using var piece = pieces[i] ?? throw new AerieException($"{rows[i].Name} has no bias although its neighbours have one", "The checkpoint is damaged.");
                bias.Slice(at, rows[i].Rows).CopyFrom(piece);
            }
            return Add(new Parameter(name + ".bias", bias, use.Trainable), ".bias", rows);
        }

        Parameter Add(Parameter parameter, string suffix, params (string Name, int Rows)[] rows)
        {
            var at = 0;
            foreach (var (part, count) in rows)
            {
                parts.Add(new(part + suffix, parameter, at, count));
                at += count;
            }
            return parameter;
        }
    }

    /// <summary>The network.</summary>
    public Eagle3Config Config { get; }

    /// <summary>Target ids of the draft ids.</summary>
    public DraftVocabulary Vocabulary { get; }

    /// <summary>embed_tokens [V, H]: own, or the target's.</summary>
    public Parameter Embedding { get; }

    /// <summary>fc [H, A·Ht]; there are drafters of the last hidden state alone, which have none.</summary>
    public Parameter Fc => fc ?? throw new InvalidOperationException("a drafter of the last hidden state has no fc");

    /// <summary>fc_norm: one norm [Ht] per aux layer; empty without.</summary>
    public IReadOnlyList<Parameter> FcNorms { get; }

    /// <summary>input_norm [A·Ht], where norm_before_fc.</summary>
    public Parameter? InputNorm { get; }

    /// <summary>hidden_norm [H], of the hidden state.</summary>
    public Parameter HiddenNorm { get; }

    /// <summary>The layers: nearly always one.</summary>
    public IReadOnlyList<Eagle3Layer> Layers { get; }

    /// <summary>input_layernorm [H], of the embedding.</summary>
    public Parameter EmbeddingNorm => Layers[0].InputNorm;

    /// <summary>q;k;v of the first layer: columns [0, H) read the embedding, [H, 2H) the hidden state.</summary>
    public Parameter AttentionIn => Layers[0].AttentionIn;

    /// <summary>[(n+2m)d]; null without.</summary>
    public Parameter? AttentionInBias => Layers[0].AttentionInBias;

    /// <summary>o [H, n·d] of the first layer.</summary>
    public Parameter AttentionOut => Layers[0].AttentionOut;

    /// <summary>[H]; null without.</summary>
    public Parameter? AttentionOutBias => Layers[0].AttentionOutBias;

    /// <summary>post_attention_layernorm [H] of the first layer.</summary>
    public Parameter MlpNorm => Layers[0].MlpNorm;

    /// <summary>gate;up [2I, H] of the first layer.</summary>
    public Parameter GateUp => Layers[0].GateUp;

    /// <summary>[2I]; null without.</summary>
    public Parameter? GateUpBias => Layers[0].GateUpBias;

    /// <summary>down [H, I] of the first layer.</summary>
    public Parameter Down => Layers[0].Down;

    /// <summary>[H]; null without.</summary>
    public Parameter? DownBias => Layers[0].DownBias;

    /// <summary>norm [H], before lm_head.</summary>
    public Parameter Norm { get; }

    /// <summary>lm_head [Vd, H].</summary>
    public Parameter Head { get; }

    /// <summary>Heads inside a fused row of <see cref="AttentionIn"/>.</summary>
    public HeadLayout Heads => HeadLayout.Fused(Config.Heads, Config.KeyValueHeads, Config.HeadSize);

    /// <summary>Every tensor that the drafter owns, as it is named on disk.</summary>
    public IReadOnlyList<Eagle3Part> Parts => parts;

    /// <summary>Every parameter that the drafter owns, once.</summary>
    public IEnumerable<Parameter> Parameters => parts.Select(p => p.Parameter).Distinct();

    /// <summary>Is the embedding the target's?</summary>
    public bool SharesEmbedding => !ownsEmbedding;

    /// <summary>Releases what the drafter owns.</summary>
    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
    }

    static DraftVocabulary VocabularyOf(Eagle3Weights weights)
    {
        if (weights.DraftToTarget is not { } ids) return DraftVocabulary.Full(weights.Config.VocabularySize);
        return DraftVocabulary.FromD2T([.. ids.Select((id, i) => (long)id - i)], weights.Config.VocabularySize);
    }

    // Where the values come from. A vector that is not there is null; rows are stacked.
    interface IWeightSource
    {
        Tensor Matrix(DType dtype, int cols, ReadOnlySpan<(string Name, int Rows)> rows);
        Tensor? Vector(string name, int length);
    }

    sealed class FromFolder(Eagle3Weights weights, Parameter? targetHead, Eagle3Use use) : IWeightSource
    {
        public Tensor Matrix(DType dtype, int cols, ReadOnlySpan<(string Name, int Rows)> rows)
        {
            var names = new string[rows.Length];
            for (var i = 0; i < names.Length; i++) names[i] = rows[i].Name + ".weight";
            if (weights.Has(names[0])) return weights.Matrix(dtype, names);
            if (targetHead is null) throw new AerieException($"the drafter's folder has no {names[0]}", "Give the target: its head is used then.");
            if (use.Trainable) throw new AerieException($"the drafter's folder has no {names[0]}: a head that is the target's cannot be trained", "Write the rows of the target's head into the drafter.");
            var copy = Tensor.Allocate(new Shape(rows[0].Rows, cols), dtype);
            copy.CopyFrom(targetHead.Value);
            return copy;
        }

        public Tensor? Vector(string name, int length) => weights.Has(name) ? weights.Vector(name) : null;
    }

    sealed class FromSeed(ulong seed, float deviation, DraftVocabulary vocabulary, Parameter targetEmbedding, Parameter? targetHead, bool attentionBias, bool mlpBias) : IWeightSource
    {
        public Tensor Matrix(DType dtype, int cols, ReadOnlySpan<(string Name, int Rows)> rows)
        {
            var stacked = Tensor.Allocate(new Shape(Sum(rows), cols), dtype);
            if (rows[0].Name == "embed_tokens") stacked.CopyFrom(targetEmbedding.Value.Slice(0, stacked.Rows));
            else if (rows[0].Name == "lm_head" && targetHead?.Cols == cols) CopyRows(targetHead.Value, stacked);
            else Fill(stacked, rows);
            return stacked;
        }

        // Each tensor of the disk has its own stream: fusing rows changes no number.
        void Fill(Tensor stacked, ReadOnlySpan<(string Name, int Rows)> rows)
        {
            var at = 0;
            foreach (var (name, count) in rows)
            {
                using var values = Tensor.Allocate(new Shape(count, stacked.Cols));
                new CounterRandom(seed, "init " + name).FillNormal(values, deviation);
                stacked.Slice(at, count).CopyFrom(values);
                at += count;
            }
        }

        void CopyRows(Tensor head, Tensor to)
        {
            var ids = vocabulary.SelectedIds;
            for (var i = 0; i < ids.Length; i++) to.Slice(i, 1).CopyFrom(head.Slice(ids[i], 1));
        }

        public Tensor? Vector(string name, int length)
        {
            if (name.EndsWith(".bias", StringComparison.Ordinal) && !(name.Contains(".mlp.", StringComparison.Ordinal) ? mlpBias : attentionBias)) return null;
            var vector = Tensor.Allocate(new Shape(length));
            if (!name.EndsWith(".bias", StringComparison.Ordinal)) vector.CopyFrom(Enumerable.Repeat(1f, length).ToArray());
            return vector;
        }

        static int Sum(ReadOnlySpan<(string Name, int Rows)> rows)
        {
            var sum = 0;
            foreach (var row in rows) sum += row.Rows;
            return sum;
        }
    }
}
