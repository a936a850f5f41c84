// The Llama network (Touvron et al. 2023, arXiv:2302.13971, arXiv:2307.09288; grouped heads: Ainslie et al. 2023, arXiv:2305.13245), frozen: it reads tokens and nothing is
// kept for gradients. R rows of a pass, H hidden, n heads, m key-value heads of size d, I intermediate, V vocabulary.
//   x = embed[ids]
//   per layer   x += o( attention( rope(q), rope(k), v ) )   with [q | k | v] = qkv( norm(x) )
//               x += down( silu(gate) · up )                 with [gate | up] = gateUp( norm(x) )
//   logits = head( norm(x) )
// Qwen2, Qwen3 (arXiv:2505.09388) and Mistral (arXiv:2310.06825) are this network with one fact changed each: which biases there are, a norm of every head of q and k before they are
// rotated, layers that see a window of keys. The config says these facts one by one; nothing here asks for the family.
// A row's bits do not depend on the rows that are computed with it: so a verified draft equals plain decoding exactly.
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>A target of Llama's architecture and its weights.</summary>
public sealed class Llama : IDisposable
{
    readonly LlamaWeights weights;
    readonly RotaryTable rotary;
    readonly HeadLayout heads, cachedHeads;
    readonly int window;

    /// <param name="config">The sizes.</param>
    /// <param name="weights">The parameters; owned from here on.</param>
    /// <param name="kernels">Where to compute; null: this machine's processor.</param>
    public Llama(TargetConfig config, LlamaWeights weights, IKernels? kernels = null)
    {
        (Config, this.weights, Kernels) = (config, weights, kernels ?? Aerie.Tensors.Kernels.Cpu);
        rotary = config.Rope.CreateTable(config.HeadSize);
        window = config.Windows.DefaultIfEmpty().Max();
        heads = HeadLayout.Fused(config.Heads, config.KeyValueHeads, config.HeadSize);
        cachedHeads = heads with { KeyColumn = 0, ValueColumn = KeyWidth };
    }

    /// <summary>Loads a Hugging Face folder.</summary>
    /// <param name="folder">Folder with config.json and safetensors.</param>
    /// <param name="precision">How products read the weights; null: bf16 for a checkpoint in bf16, else f32.</param>
    /// <param name="kernels">Where to compute; null: this machine's processor.</param>
    /// <exception cref="AerieException">The folder holds no supported target, or weights and config do not fit.</exception>
    public static Llama Load(string folder, Precision? precision = null, IKernels? kernels = null) => Load(TargetConfig.Read(folder), folder, precision, kernels);

    /// <summary>Loads the weights of a folder under a config read elsewhere.</summary>
    public static Llama Load(TargetConfig config, string folder, Precision? precision = null, IKernels? kernels = null)
    {
        using var files = SafetensorsFolder.Open(folder);
        return new Llama(config, LlamaWeights.Read(config, files, precision), kernels);
    }

    /// <summary>The sizes.</summary>
    public TargetConfig Config { get; }

    /// <summary>Where it computes.</summary>
    public IKernels Kernels { get; }

    /// <summary>The table of token embeddings [V, H].</summary>
    public Parameter Embedding => weights.Embedding;

    /// <summary>The head [V, H]; the embedding's parameter where they are tied.</summary>
    public Parameter Head => weights.Head;

    int KeyWidth => Config.KeyValueHeads * Config.HeadSize;

    /// <summary>A cache for some sequences of at most that many tokens.</summary>
    public KeyValueCache NewCache(params ReadOnlySpan<int> capacities) => new(Config.Layers, KeyWidth, capacities);

    /// <summary>Reads the rows: their keys and values go into the cache.</summary>
    /// <param name="rows">Tokens, positions, and what each sees.</param>
    /// <param name="cache">The cache that the rows' sequences are of.</param>
    /// <param name="work">Memory of the pass.</param>
    /// <param name="capture">What to keep of the layers' outputs; null: nothing.</param>
    /// <returns>The residual stream after the last layer [R, H], valid until the next pass.</returns>
    public Tensor Forward(PassRows rows, KeyValueCache cache, LlamaWorkspace work, HiddenStateCapture? capture = null)
    {
        var (ids, positions, cacheRows, intervals) = rows.Upload();
        rotary.Grow(rows.Positions);
        work.Begin(rows.Count);
        var windowed = window > 0 ? rows.Windowed(window) : intervals;
        Kernels.Embedding(weights.Embedding.Value, ids, work.Residual);
        capture?.Take(Kernels, -1, work.Residual);
        for (var i = 0; i < weights.Layers.Count; i++)
        {
            Attention(weights.Layers[i], cache.Layer(i), work, positions, cacheRows, window > 0 && Config.Windows[i] > 0 ? windowed : intervals);
            Mlp(weights.Layers[i], work);
            capture?.Take(Kernels, i, work.Residual);
        }
        if (capture?.Wants(Config.Layers) == true)
        {
            FinalNorm(work.Residual, work.Normed, work.Scale);
            capture.Take(Kernels, Config.Layers, work.Normed);
        }
        return work.Residual;
    }

    void Attention(LlamaLayer layer, Tensor cached, LlamaWorkspace work, Tensor positions, Tensor cacheRows, Tensor intervals)
    {
        Kernels.RmsNorm(work.Residual, layer.AttentionNorm.Value, Config.RmsNormEps, work.Normed, work.Scale);
        Kernels.Linear(work.Normed, layer.QueryKeyValue, layer.QueryKeyValueBias, work.QueryKeyValue, false);              // [R, (n + 2m) d]
        if (layer is { QueryNorm: { } queryNorm, KeyNorm: { } keyNorm })
        {
            Kernels.HeadNorm(work.QueryKeyValue, 0, Config.Heads, queryNorm.Value, Config.RmsNormEps);
            Kernels.HeadNorm(work.QueryKeyValue, heads.KeyColumn, Config.KeyValueHeads, keyNorm.Value, Config.RmsNormEps);
        }
        Kernels.Rope(work.QueryKeyValue, 0, Config.Heads + Config.KeyValueHeads, rotary, positions, false);                // queries and keys lie side by side
        Kernels.CopyColumns(work.QueryKeyValue, heads.KeyColumn, 2 * KeyWidth, cached, 0, cacheRows);
        Kernels.Attention(cachedHeads, work.QueryKeyValue, cached, cached, intervals, [], work.Attended, null);             // [R, n d]
        Kernels.Linear(work.Attended, layer.AttentionOutput, layer.AttentionOutputBias, work.Residual, true);
    }

    void Mlp(LlamaLayer layer, LlamaWorkspace work)
    {
        Kernels.RmsNorm(work.Residual, layer.MlpNorm.Value, Config.RmsNormEps, work.Normed, work.Scale);
        Kernels.Linear(work.Normed, layer.GateUp, layer.GateUpBias, work.GateUp, false);                                    // [R, 2I]
        Kernels.SwiGlu(work.GateUp, work.Activated);                                                                        // [R, I]
        Kernels.Linear(work.Activated, layer.Down, layer.DownBias, work.Residual, true);
    }

    /// <summary>The final norm of some rows of a residual stream: what the head reads.</summary>
    public void FinalNorm(Tensor residual, Tensor normed, Tensor scale) => Kernels.RmsNorm(residual, weights.Norm.Value, Config.RmsNormEps, normed, scale);

    /// <summary>Final norm and logits of the given rows of the last pass: [rows, V], valid until the next call.</summary>
    public Tensor Logits(LlamaWorkspace work, ReadOnlySpan<int> wanted)
    {
        var (index, picked, normed, scale, logits) = work.HeadRows(wanted.Length);
        index.CopyFrom(wanted);
        Kernels.GatherRows(work.Residual, index, picked, false);
        FinalNorm(picked, normed, scale);
        Kernels.Linear(normed, weights.Head, null, logits, false);
        return logits;
    }

    /// <summary>The token after each of the given rows of the last pass: the highest logit, the lowest id on ties.</summary>
    public void NextTokens(LlamaWorkspace work, ReadOnlySpan<int> wanted, Span<int> tokens)
    {
        var logits = Logits(work, wanted);
        var best = work.Best(wanted.Length);
        Kernels.Argmax(logits, best);
        best.CopyTo(tokens);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        weights.Dispose();
        rotary.Dispose();
    }
}
