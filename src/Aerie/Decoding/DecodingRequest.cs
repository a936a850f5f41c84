// What is to be written: a prompt, a length, and the tokens that end it.
using Aerie.Targets;

namespace Aerie.Decoding;

/// <summary>One text to decode. The stop token stays in the output.</summary>
/// <param name="Prompt">Token ids; at least one.</param>
/// <param name="MaxNewTokens">Most tokens of the output.</param>
/// <param name="StopTokenIds">Tokens that end it.</param>
public sealed record DecodingRequest(IReadOnlyList<int> Prompt, int MaxNewTokens, IReadOnlyList<int> StopTokenIds)
{
    /// <summary>Checks the request against a target; returns the most tokens that fit into its context.</summary>
    /// <exception cref="AerieException">The prompt is empty, longer than the context, or holds a token that the target does not have.</exception>
    public int Check(TargetConfig target)
    {
        if (Prompt.Count == 0) throw new AerieException("the prompt is empty: there is nothing to continue");
        if (Prompt.Count >= target.MaxPositions)
            throw new AerieException($"a prompt of {Prompt.Count} tokens does not fit into the context of {target.MaxPositions} tokens with room for an answer", "Shorten the prompt.");
        foreach (var id in Prompt)
            if ((uint)id >= (uint)target.VocabularySize) throw new AerieException($"the prompt holds token {id}; the target has {target.VocabularySize} tokens", "Was it made by another tokenizer?");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxNewTokens, 1);
        return Math.Min(MaxNewTokens, target.MaxPositions - Prompt.Count);
    }

    internal bool IsStop(int token)
    {
        for (var i = 0; i < StopTokenIds.Count; i++)
            if (StopTokenIds[i] == token) return true;
        return false;
    }
}
