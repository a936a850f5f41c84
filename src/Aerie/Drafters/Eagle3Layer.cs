// One layer of a drafter, as it is in memory. The first reads [embedding ; hidden state], further ones are a transformer's usual pre-norm layers.
using Aerie.Tensors;

namespace Aerie.Drafters;

/// <summary>The parameters of one layer. They belong to the drafter.</summary>
/// <param name="InputNorm">input_layernorm [H]: of the embedding in the first layer, of the residual stream in further ones.</param>
/// <param name="AttentionIn">q;k;v [(n+2m)d, 2H]; [(n+2m)d, H] in further layers.</param>
/// <param name="AttentionInBias">[(n+2m)d]; null without.</param>
/// <param name="QueryNorm">q_norm [d], of every head before it is rotated (Qwen3's form); null without.</param>
/// <param name="KeyNorm">k_norm [d], the same of keys.</param>
/// <param name="AttentionOut">o [H, n·d].</param>
/// <param name="AttentionOutBias">[H]; null without.</param>
/// <param name="MlpNorm">post_attention_layernorm [H].</param>
/// <param name="GateUp">gate;up [2I, H].</param>
/// <param name="GateUpBias">[2I]; null without.</param>
/// <param name="Down">down [H, I].</param>
/// <param name="DownBias">[H]; null without.</param>
public sealed record Eagle3Layer(Parameter InputNorm, Parameter AttentionIn, Parameter? AttentionInBias, Parameter? QueryNorm, Parameter? KeyNorm,
    Parameter AttentionOut, Parameter? AttentionOutBias, Parameter MlpNorm, Parameter GateUp, Parameter? GateUpBias, Parameter Down, Parameter? DownBias);
