// A frozen target: it reads tokens, and nothing is kept for gradients. R rows of a pass, H hidden, V vocabulary.
//   x = embed[ids]          each layer: x += block(norm(x)), once or twice (Blocks/)          logits = head( norm(x) )
// Some families scale x or the logits, or cap the logits.
// Which blocks, which norms and which names its weights have on disk is said by its family (Families/, one file each); nothing here asks for the family.
// A row's bits do not depend on the rows that are computed with it: so a verified draft equals plain decoding exactly.
using Aerie.Formats;
using Aerie.Targets.Blocks;
using Aerie.Targets.Families;
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>A target and its weights.</summary>
public sealed class Target : IDisposable
{
    readonly Network network;
    readonly LayerPass pass;

    Target(TargetConfig config, Network network, IKernels kernels) => (Config, this.network, Kernels, pass) = (config, network, kernels, new LayerPass(kernels));

    /// <summary>Loads a Hugging Face folder.</summary>
    /// <param name="folder">Folder with config.json and safetensors.</param>
    /// <param name="precision">How products read the weights; null: bf16 for a checkpoint in bf16 or fp8, else f32.</param>
    /// <param name="kernels">Where to compute; null: this machine's processor.</param>
    /// <exception cref="AerieException">The folder holds no supported target, or weights and config do not fit.</exception>
    public static Target Load(string folder, Precision? precision = null, IKernels? kernels = null) => Load(TargetConfig.Read(folder), folder, precision, kernels);

    /// <summary>Loads the weights of a folder under a config read elsewhere.</summary>
    public static Target Load(TargetConfig config, string folder, Precision? precision = null, IKernels? kernels = null)
    {
        kernels ??= Tensors.Kernels.Cpu;
        var files = SafetensorsFolder.Open(folder);
        Network? network = null;
        try
        {
            var weights = new WeightTable(files, precision, config.Family.Canonical);
            network = config.Family.Build(config, weights) with { Parameters = weights.Parameters, Files = files };
            weights.Check();
            weights.Prepare(kernels);
            kernels.Prepare(network.Head);
            return new Target(config, network, kernels);
        }
        catch
        {
            network?.Dispose();
            files.Dispose();
            throw;
        }
    }

    /// <summary>The sizes.</summary>
    public TargetConfig Config { get; }

    /// <summary>Where it computes.</summary>
    public IKernels Kernels { get; }

    /// <inheritdoc cref="LayerPass.Routed"/>
    internal Action<int, Tensor, Tensor, Tensor>? Routed { set => pass.Routed = value; }

    /// <summary>The table of token embeddings [V, H].</summary>
    public Parameter Embedding => network.Embedding;

    /// <summary>The head [V, H]; the embedding's parameter where they are tied.</summary>
    public Parameter Head => network.Head;

    /// <summary>What becomes of the head's product before it is a logit.</summary>
    public LogitForm LogitForm => network.Logits;

    /// <summary>A cache for some sequences of at most that many tokens.</summary>
    public KeyValueCache NewCache(params ReadOnlySpan<int> capacities) => NewCacheWithRollback(0, capacities);

    /// <summary>A cache whose sequences can forget the last <paramref name="rollback"/> tokens, wherever they are; without recurrent layers any cache can.</summary>
    public KeyValueCache NewCacheWithRollback(int rollback, params ReadOnlySpan<int> capacities)
    {
        RecurrentShape?[] recurrent = [.. network.Layers.Select(l => l.Parts.Select(p => p.Block.Remembers).FirstOrDefault(shape => shape is not null))];
        return new([.. network.Layers.Select(l => l.Parts.Sum(p => p.Block.CacheWidth))], recurrent.Any(shape => shape is not null) ? new RecurrentCache(recurrent, rollback) : null, capacities);
    }

    /// <summary>Reads the rows: what later rows need of them goes into the cache.</summary>
    /// <param name="rows">Tokens, positions, and what each sees.</param>
    /// <param name="cache">The cache that the rows' sequences are of.</param>
    /// <param name="work">Memory of the pass.</param>
    /// <param name="capture">What to keep of the layers' outputs; null: nothing.</param>
    /// <returns>The residual stream after the last layer [R, H], valid until the next pass.</returns>
    public Tensor Forward(PassRows rows, KeyValueCache cache, TargetWorkspace work, HiddenStateCapture? capture = null)
    {
        var ids = pass.Begin(rows, cache, work);
        var residual = work.Rows(Scratch.Residual, Config.HiddenSize);
        Kernels.Embedding(network.Embedding.Value, ids, residual);
        if (network.EmbeddingMultiplier != 1) Kernels.Scale(residual, network.EmbeddingMultiplier);
        capture?.Take(Kernels, -1, residual);
        for (pass.Layer = 0; pass.Layer < network.Layers.Count; pass.Layer++)
        {
            foreach (var part in network.Layers[pass.Layer].Parts) Add(part, residual, work);
            capture?.Take(Kernels, pass.Layer, residual);
        }
        if (capture?.Wants(Config.Layers) == true)
        {
            var normed = work.Rows(Scratch.Normed, Config.HiddenSize);
            FinalNorm(residual, normed, work.Rows(Scratch.Scale, 1));
            capture.Take(Kernels, Config.Layers, normed);
        }
        return residual;
    }

    // x += multiplier · after( block( before(x) ) )
    void Add(SubLayer part, Tensor residual, TargetWorkspace work)
    {
        var x = residual;
        if (part.Before is not null) Norm(residual, part.Before, x = work.Rows(Scratch.Normed, Config.HiddenSize), work);
        if (part.After is null && part.Multiplier == 1)
        {
            part.Block.Forward(pass, x, residual, true);
            return;
        }
        var y = work.Rows(Scratch.BlockOutput, Config.HiddenSize);
        part.Block.Forward(pass, x, y, false);
        if (part.After is not null)
        {
            var normed = work.Rows(Scratch.BlockOutputNormed, Config.HiddenSize);
            Norm(y, part.After, normed, work);
            y = normed;
        }
        if (part.Multiplier == 1) Kernels.Add(residual, y, residual);
        else Kernels.AddScaled(y, part.Multiplier, residual);
    }

    void Norm(Tensor x, Parameter weight, Tensor y, TargetWorkspace work) => Kernels.RmsNorm(x, weight.Value, Config.RmsNormEps, y, work.Rows(Scratch.Scale, 1));

    /// <summary>The final norm of some rows of a residual stream: what the head reads.</summary>
    public void FinalNorm(Tensor residual, Tensor normed, Tensor scale) => Kernels.RmsNorm(residual, network.Norm.Value, Config.RmsNormEps, normed, scale);

    /// <summary>Final norm and logits of the given rows of the last pass: [rows, V], valid until the next call.</summary>
    public Tensor Logits(TargetWorkspace work, ReadOnlySpan<int> wanted)
    {
        var (index, picked, normed, scale, logits) = work.HeadRows(wanted.Length, Config.HiddenSize, Config.VocabularySize);
        index.CopyFrom(wanted);
        Kernels.GatherRows(work.Rows(Scratch.Residual, Config.HiddenSize), index, picked, false);
        FinalNorm(picked, normed, scale);
        Kernels.Linear(normed, network.Head, null, logits, false);
        network.Logits.Apply(Kernels, logits);
        return logits;
    }

    /// <summary>The token after each of the given rows of the last pass: the highest logit, the lowest id on ties.</summary>
    public void NextTokens(TargetWorkspace work, ReadOnlySpan<int> wanted, Span<int> tokens)
    {
        var logits = Logits(work, wanted);
        var best = work.Best(wanted.Length);
        Kernels.Argmax(logits, best);
        best.CopyTo(tokens);
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => network.Dispose();
}

/// <summary>What becomes of the head's product z before it is a logit: z / divisor (0: z), then tanh(z / cap) cap (0: no cap).</summary>
public readonly record struct LogitForm(float Divisor, float Cap)
{
    /// <summary>Makes logits of products, in place.</summary>
    public void Apply(IKernels kernels, Tensor logits)
    {
        if (Divisor is not (0 or 1)) kernels.Scale(logits, 1 / Divisor);
        if (Cap != 0) kernels.SoftCap(logits, Cap);
    }
}

/// <summary>What a family builds: the parts of a target.</summary>
sealed record Network(Parameter Embedding, IReadOnlyList<Layer> Layers, Parameter Norm, Parameter Head) : IDisposable
{
    /// <summary>Factor of the embeddings in the residual stream.</summary>
    internal float EmbeddingMultiplier { get; init; } = 1;

    /// <summary>What becomes of the head's product.</summary>
    internal LogitForm Logits { get; init; }

    /// <summary>All parameters, each once.</summary>
    internal IReadOnlyList<Parameter> Parameters { get; init; } = [];

    /// <summary>Tables of angles.</summary>
    internal IReadOnlyList<RotaryTable> Rotary { get; init; } = [];

    /// <summary>The mapped files that some parameters lie in.</summary>
    internal IDisposable? Files { get; init; }

    public void Dispose()
    {
        foreach (var parameter in Parameters) parameter.Dispose();
        Files?.Dispose();
        foreach (var table in Rotary) table.Dispose();
    }
}
