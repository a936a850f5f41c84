// What latent attention is made of, beside its heads (formula in LatentAttention).
namespace Aerie.Targets.Blocks;

/// <summary>Sizes of attention whose keys and values are expanded from a short vector (DeepSeek-V2, arXiv:2405.04434).</summary>
/// <param name="QueryRank">Width that queries are made from; 0: from the residual stream.</param>
/// <param name="Rank">Width R that keys and values are expanded from: with <paramref name="Rotary"/> all that the cache keeps.</param>
/// <param name="Plain">Part n of a head that is not rotated.</param>
/// <param name="Rotary">Part r of a head that is rotated; one key for all heads.</param>
/// <param name="Value">Width v of a head's value.</param>
/// <param name="Interleaved">Pairs on disk are (2m, 2m + 1), not (m, m + r/2).</param>
/// <param name="Scale">Factor of scores.</param>
sealed record LatentAttentionConfig(int QueryRank, int Rank, int Plain, int Rotary, int Value, bool Interleaved, float Scale)
{
    /// <summary>Width of a query: n + r.</summary>
    public int HeadSize => Plain + Rotary;

    /// <summary>What the cache keeps of a token: R + r.</summary>
    public int CacheWidth => Rank + Rotary;
}
