// Attention with grouped heads (Vaswani et al. 2017, arXiv:1706.03762; Ainslie et al. 2023, arXiv:2305.13245), n query heads, m key heads of size d, by the facts in which families differ:
//   [q | k | v] = qkv(x)      q, k = rope(norm(q)), rope(norm(k))      y = o( softmax(q kᵀ s) v ), s = 1 / sqrt(d) unless said      over the keys of the row's own text, the last W of them where there is a window
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>The parameters: q, k and v are one product. The norms of q and k are as long as a head (each head by itself) or as all heads together.</summary>
sealed record AttentionWeights(Parameter QueryKeyValue, Parameter? QueryKeyValueBias, Parameter Output, Parameter? OutputBias, Parameter? QueryNorm = null, Parameter? KeyNorm = null,
    Parameter? Sinks = null);

sealed class SelfAttention : IBlock
{
    readonly AttentionWeights weights;
    readonly HeadLayout heads, cachedHeads;
    readonly RotaryTable? rotary;
    readonly int window;
    readonly float eps;

    /// <param name="heads">Heads of a fused row [q | k | v]; their scale and cap.</param>
    /// <param name="weights">The parameters.</param>
    /// <param name="rotary">Angles; null: positions are not told apart.</param>
    /// <param name="eps">Epsilon of the norms of q and k.</param>
    /// <param name="window">Keys that a row sees, itself included; 0: all.</param>
    internal SelfAttention(HeadLayout heads, AttentionWeights weights, RotaryTable? rotary, float eps, int window = 0)
    {
        (this.heads, this.weights, this.rotary, this.eps, this.window) = (heads, weights, rotary, eps, window);
        cachedHeads = heads with { KeyColumn = 0, ValueColumn = KeyWidth };
    }

    public string Kind => window > 0 ? $"attention, {window} keys" : "attention";

    public char Letter => '*';

    public int CacheWidth => 2 * KeyWidth;

    int KeyWidth => heads.KeyHeads * heads.HeadSize;

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var (kernels, work) = (pass.Kernels, pass.Work);
        var fused = work.Rows(Scratch.QueryKeyValue, heads.FusedWidth);
        kernels.Linear(x, weights.QueryKeyValue, weights.QueryKeyValueBias?.Value, fused, false);                      // [R, (n + 2m) d]
        if (weights is { QueryNorm: { } queryNorm, KeyNorm: { } keyNorm })
        {
            kernels.HeadNorm(fused, 0, heads.Heads * heads.HeadSize / queryNorm.Cols, queryNorm.Value, eps);
            kernels.HeadNorm(fused, heads.KeyColumn, KeyWidth / keyNorm.Cols, keyNorm.Value, eps);
        }
        if (rotary is not null)
        {
            rotary.Grow(pass.Rows.Positions);
            kernels.Rope(fused, 0, heads.Heads + heads.KeyHeads, rotary, pass.Rows.TableRows(rotary), false);                       // queries and keys lie side by side
        }
        var cached = pass.Cached;
        kernels.CopyColumns(fused, heads.KeyColumn, 2 * KeyWidth, cached, 0, pass.CacheRows);
        var attended = work.Rows(Scratch.Attended, heads.Heads * heads.HeadSize);
        kernels.Attention(cachedHeads, fused, cached, cached, pass.Intervals(window), [], attended, null, weights.Sinks?.Value);              // [R, n d]
        kernels.Linear(attended, weights.Output, weights.OutputBias?.Value, y, accumulate);
    }
}
