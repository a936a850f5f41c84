// How much memory running a target and training a drafter for it take: sums over what is really allocated, and a measured factor for the activations of a step.
using Aerie.Drafters;
using Aerie.Targets;

namespace Aerie.Training;

/// <summary>Bytes.</summary>
/// <param name="Weights">The target's weights as products read them (bf16 for a checkpoint in bf16 or fp8, else f32).</param>
/// <param name="CacheOf4096">What is remembered of one text of 4,096 tokens: keys, values, states.</param>
/// <param name="DrafterParameters">Numbers in a drafter of the target's width with a draft vocabulary of <see cref="DraftVocabulary"/>.</param>
/// <param name="Drafter">Its masters, gradients and two moments.</param>
/// <param name="Step">Activations of a step over 1,024 tokens, seven TTT steps.</param>
/// <param name="StatesPerToken">Hidden states of one token of training data, f32, while they are kept in memory.</param>
public sealed record MemoryEstimate(long Weights, long CacheOf4096, long DrafterParameters, long Drafter, long Step, long StatesPerToken)
{
    /// <summary>Tokens of the draft vocabulary that is assumed.</summary>
    public const int DraftVocabulary = 32000;

    /// <summary>Running the target alone.</summary>
    public long ToRun => Weights + CacheOf4096;

    /// <summary>Training a drafter beside the target, without the hidden states that are kept.</summary>
    public long ToTrain => ToRun + Drafter + Step;

    /// <summary>Estimates for a target.</summary>
    public static MemoryEstimate For(ModelSummary model)
    {
        var t = model.Config;
        var drafter = Eagle3Config.For(t, Math.Min(DraftVocabulary, t.VocabularySize));
        var parameters = Eagle3Weights.Slots(drafter).Where(s => !s.Optional || s.Name == "lm_head.weight").Sum(s => s.Count);
        var half = model.Types.Any(type => type is "BF16" or "bfloat16" or "F8_E4M3");
        var table = (long)t.VocabularySize * t.HiddenSize * (half ? 2 : 4);                   // looked up and multiplied: two forms of it are kept
        // Measured over 1,024 tokens: 0.92 GB at H = 2048, I = 8192 and 0.29 GB at H = 576, I = 1536: 22 and 34 numbers for every token and column of a row [H | I].
        const int NumbersPerColumn = 28;
        return new(model.Parameters * (half ? 2 : 4) + (t.TiedEmbeddings ? table : 0), 4096 * model.CacheBytesPerToken + model.StateBytes, parameters, 16 * parameters,
            1024L * (t.HiddenSize + t.IntermediateSize) * NumbersPerColumn * sizeof(float), (long)(t.DefaultAuxLayers.Count + 1) * t.HiddenSize * sizeof(float));
    }
}
