// What every loss mask is made from: renderings of (a part of) a conversation, and their tokens.
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Data.LossMasks;

/// <summary>A rule that says which tokens are supervised. Rows are not cut yet.</summary>
interface IMaskRule
{
    IEnumerable<MaskedTokens> Rows(Conversation conversation);
}

/// <summary>Ids and mask of a row, before it is cut.</summary>
sealed record MaskedTokens(List<int> Ids, bool[] Mask)
{
    /// <summary>How many of the conversation's messages it renders.</summary>
    internal int Messages { get; init; } = int.MaxValue;

    internal static int CommonPrefix(List<int> a, List<int> b)
    {
        var length = 0;
        while (length < a.Count && length < b.Count && a[length] == b[length]) length++;
        return length;
    }
}

sealed class Renderings(Tokenizer tokenizer, ChatTemplate template)
{
    internal Tokenizer Tokenizer => tokenizer;

    internal RenderedChat Render(Conversation conversation, IReadOnlyList<JsonElement> messages, bool prompt = false, IReadOnlyDictionary<string, JsonElement>? variables = null)
    {
        try
        {
            var options = new ChatTemplateOptions { AddGenerationPrompt = prompt, Tools = conversation.Tools };
            return template.Render(messages, variables is null ? options : options with { Variables = variables });
        }
        catch (AerieException problem) when (conversation.Source.Length > 0)
        {
            throw new AerieException($"{conversation.Source}: {problem.Message}", problem.Hint, problem);
        }
    }

    internal List<int> Ids(Conversation conversation, IReadOnlyList<JsonElement> messages, bool prompt = false) => tokenizer.Encode(Render(conversation, messages, prompt).Text);

    /// <summary>The tokens of the first messages.</summary>
    internal List<int> Ids(Conversation conversation, int messages, bool prompt = false) => Ids(conversation, [.. conversation.Messages.Take(messages)], prompt);
}
