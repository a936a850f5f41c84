// Runs the target over documents and keeps what a drafter learns from: the aux layers' outputs, and the last hidden states (after the final norm), from which the target's head makes its
// distributions. Short documents share a pass, long ones are read in chunks: memory is that of a chunk, of the cache of one group, and of what is kept.
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Capture;

/// <summary>What was kept of some documents, one after the other.</summary>
/// <param name="Aux">[tokens, aux layers · Ht], low layers first.</param>
/// <param name="LastHidden">[tokens, Ht], after the final norm.</param>
public sealed record HiddenStates(Tensor Aux, Tensor LastHidden) : IDisposable
{
    /// <summary>Frees both.</summary>
    public void Dispose()
    {
        Aux.Dispose();
        LastHidden.Dispose();
    }
}

/// <summary>Captures hidden states of a target.</summary>
public sealed class TargetCapture : IDisposable
{
    readonly Target target;
    readonly HiddenStateCapture capture;
    readonly TargetWorkspace work;
    readonly PassRows rows;
    readonly Tensor normed, scale;

    /// <param name="target">The target.</param>
    /// <param name="auxLayers">0-based layers whose output is kept, ascending.</param>
    /// <param name="chunk">Most rows of a pass.</param>
    public TargetCapture(Target target, IReadOnlyList<int> auxLayers, int chunk = 512)
    {
        (this.target, capture) = (target, new HiddenStateCapture([.. auxLayers]));
        (work, rows) = (new TargetWorkspace(chunk, 1), new PassRows(chunk));
        (normed, scale) = (Tensor.Allocate(new Shape(chunk, target.Config.HiddenSize)), Tensor.Allocate(new Shape(chunk)));
    }

    /// <summary>What the target does to its head's products.</summary>
    public LogitForm LogitForm => target.LogitForm;

    /// <summary>Width of a row of aux hidden states.</summary>
    public int AuxWidth => capture.Layers.Count * target.Config.HiddenSize;

    /// <summary>Reads documents and keeps their states in new tensors.</summary>
    /// <param name="documents">Token ids; every document begins at position 0 and sees itself alone.</param>
    /// <param name="dtype">F32 or BF16.</param>
    /// <param name="onTokens">Told after every pass how many tokens were read.</param>
    /// <param name="cancellation">Checked before every pass.</param>
    public HiddenStates Capture(IReadOnlyList<IReadOnlyList<int>> documents, DType dtype = DType.F32, Action<int>? onTokens = null, CancellationToken cancellation = default)
    {
        var tokens = documents.Sum(d => d.Count);
        var states = new HiddenStates(Tensor.Allocate(new Shape(tokens, AuxWidth), dtype), Tensor.Allocate(new Shape(tokens, target.Config.HiddenSize), dtype));
        try
        {
            Capture(documents, states.Aux, states.LastHidden, onTokens, cancellation);
            return states;
        }
        catch
        {
            states.Dispose();
            throw;
        }
    }

    /// <summary>Reads documents and keeps their states in given tensors: row t of a document is its offset + t.</summary>
    /// <param name="documents">Token ids.</param>
    /// <param name="aux">[tokens, aux layers · Ht], f32 or bf16.</param>
    /// <param name="lastHidden">[tokens, Ht], f32 or bf16; null: not wanted.</param>
    /// <param name="onTokens">Told after every pass how many tokens were read.</param>
    /// <param name="cancellation">Checked before every pass.</param>
    public void Capture(IReadOnlyList<IReadOnlyList<int>> documents, Tensor aux, Tensor? lastHidden, Action<int>? onTokens = null, CancellationToken cancellation = default)
    {
        foreach (var document in documents)
        {
            if (document.Count > target.Config.MaxPositions)
                throw new AerieException($"a document of {document.Count} tokens does not fit into the target's context of {target.Config.MaxPositions}", "Cut it: set a shorter sequence length.");
            foreach (var id in document)
                if ((uint)id >= (uint)target.Config.VocabularySize) throw new AerieException($"a document holds token {id}; the target has {target.Config.VocabularySize} tokens", "Was it made by another tokenizer?");
        }
        var at = 0;
        KeyValueCache? cache = null;
        try
        {
            for (var first = 0; first < documents.Count;)
            {
                var count = GroupOf(documents, first, out var tokens);
                if (cache is null || cache.Rows < tokens)
                {
                    cache?.Dispose();
                    cache = target.NewCache(Math.Max(tokens, rows.Capacity));
                }
                cache.Divide([.. Enumerable.Range(first, count).Select(i => documents[i].Count)]);
                for (var i = 0; i < count; i++)
                {
                    int[] ids = [.. documents[first + i]];
                    cache.Sequences[i].PromptLength = ids.Length;
                    for (var read = 0; read < ids.Length;)
                    {
                        var take = Math.Min(ids.Length - read, rows.Capacity - rows.Count);
                        rows.Add(cache.Sequences[i], ids.AsSpan(read, take));
                        read += take;
                        if (rows.Count == rows.Capacity) Pass(cache, aux, lastHidden);
                    }
                }
                Pass(cache, aux, lastHidden);
                first += count;
            }
        }
        finally
        {
            rows.Clear();
            cache?.Dispose();
        }

        void Pass(KeyValueCache cached, Tensor aux, Tensor? lastHidden)
        {
            cancellation.ThrowIfCancellationRequested();
            if (rows.Count == 0) return;
            capture.Into = aux.Slice(at, rows.Count);
            var residual = target.Forward(rows, cached, work, capture);
            if (lastHidden is not null)
            {
                target.FinalNorm(residual, normed.Slice(0, rows.Count), scale.Slice(0, rows.Count));
                target.Kernels.CopyColumns(normed.Slice(0, rows.Count), 0, normed.Cols, lastHidden.Slice(at, rows.Count), 0, null);
            }
            at += rows.Count;
            onTokens?.Invoke(rows.Count);
            rows.Clear();
        }
    }

    // As many documents as fit into one pass; a longer one goes alone.
    int GroupOf(IReadOnlyList<IReadOnlyList<int>> documents, int first, out int tokens)
    {
        var count = 1;
        for (tokens = documents[first].Count; first + count < documents.Count && tokens + documents[first + count].Count <= rows.Capacity; count++) tokens += documents[first + count].Count;
        return count;
    }

    /// <summary>Frees its memory; the target stays.</summary>
    public void Dispose()
    {
        foreach (var memory in (IDisposable[])[work, rows, normed, scale]) memory.Dispose();
    }
}
