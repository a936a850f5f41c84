// Multi-head latent attention (DeepSeek-V2, arXiv:2405.04434, section 2.1). Keys and values of a head h are expanded from one short vector l_j of each token j:
//   q_h = [q_nope | rope(q_rope)]      k_hj = [K_h l_j | rope(k_rope_j)], one rotated part for all heads      v_hj = V_h l_j
// Here in its absorbed form, since q_nope · K_h l = (K_hᵀ q_nope) · l: the queries are brought to the width of l, so that all heads share the one key [l | rope(k_rope)], whose first R columns are
// also the value, and V_h is applied to what attention gives. The cache keeps R + r floats for a token, not heads (n + r + v), and nothing is expanded.
using Aerie.Tensors;

namespace Aerie.Targets.Blocks;

/// <summary>The parameters.</summary>
/// <param name="QueryIn">[Q, H] and its norm; null: queries come from x itself.</param>
/// <param name="QueryInBias">[Q]</param>
/// <param name="Query">[heads (r + n), Q or H]: first the rotated parts of all heads, then the others.</param>
/// <param name="KeyIn">[R + r, H]: l, then k_rope.</param>
/// <param name="KeyInBias">[R + r]</param>
/// <param name="KeyNorm">[R]</param>
/// <param name="Key">For each head K_hᵀ [R, n].</param>
/// <param name="Value">For each head V_h [v, R].</param>
/// <param name="Output">[H, heads v]</param>
/// <param name="OutputBias">[H]</param>
sealed record LatentAttentionWeights((Parameter Weight, Parameter Norm)? QueryIn, Parameter? QueryInBias, Parameter Query, Parameter KeyIn, Parameter? KeyInBias, Parameter KeyNorm,
    IReadOnlyList<Parameter> Key, IReadOnlyList<Parameter> Value, Parameter Output, Parameter? OutputBias);

sealed class LatentAttention(int heads, LatentAttentionConfig config, LatentAttentionWeights weights, RotaryTable rotary) : IBlock
{
    /// <summary>Of the two inner norms, whatever the config says of the others.</summary>
    const float Eps = 1e-6f;

    readonly HeadLayout layout = new(heads, 1, config.CacheWidth, 0, 0, 0) { Scale = config.Scale };

    public string Kind => "latent attention";

    public char Letter => '*';

    public int CacheWidth => config.CacheWidth;

    public void Forward(LayerPass pass, Tensor x, Tensor y, bool accumulate)
    {
        var (kernels, work, wide) = (pass.Kernels, pass.Work, config.CacheWidth);
        rotary.Grow(pass.Rows.Positions);
        var read = x;
        if (weights.QueryIn is { } queryIn)
        {
            var latent = work.Rows(Scratch.QueryLatent, config.QueryRank);
            kernels.Linear(x, queryIn.Weight, weights.QueryInBias?.Value, latent, false);                               // [R, Q]
            kernels.HeadNorm(latent, 0, 1, queryIn.Norm.Value, Eps);
            read = latent;
        }
        var queries = work.Rows(Scratch.QueryKeyValue, heads * config.HeadSize);
        kernels.Linear(read, weights.Query, null, queries, false);                                                      // [R, heads (r + n)]
        kernels.Rope(queries, 0, heads, rotary, pass.Positions, false);
        var absorbed = work.Rows(Scratch.Absorbed, heads * wide);                                                       // [R, heads (R + r)]
        kernels.HeadLinear(queries, heads * config.Rotary, config.Plain, weights.Key, absorbed, 0, wide);
        kernels.CopyHeads(queries, 0, config.Rotary, config.Rotary, heads, absorbed, config.Rank, wide);

        var key = work.Rows(Scratch.KeyLatent, wide);
        kernels.Linear(x, weights.KeyIn, weights.KeyInBias?.Value, key, false);                                         // [R, R + r]
        kernels.HeadNorm(key, 0, 1, weights.KeyNorm.Value, Eps);
        kernels.Rope(key, config.Rank, 1, rotary, pass.Positions, false);
        var cached = pass.Cached;
        kernels.CopyColumns(key, 0, wide, cached, 0, pass.CacheRows);

        var attended = work.Rows(Scratch.Attended, heads * wide);
        kernels.Attention(layout, absorbed, cached, cached, pass.Intervals(0), [], attended, null);                     // the last r columns of each head are of no use
        var values = work.Rows(Scratch.Values, heads * config.Value);
        kernels.HeadLinear(attended, 0, wide, weights.Value, values, 0, config.Value);
        kernels.Linear(values, weights.Output, weights.OutputBias?.Value, y, accumulate);
    }
}
