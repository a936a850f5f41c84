// A conversation as training data has it: messages with role and content, perhaps tools and a domain.
using System.Text;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Data;

/// <summary>A conversation.</summary>
/// <param name="Messages">Objects with <c>role</c> and <c>content</c> (text), perhaps <c>reasoning_content</c>, <c>tool_calls</c>, <c>tool_call_id</c>, <c>name</c>.</param>
/// <param name="Tools">The list of tools it may call; null for none.</param>
/// <param name="Domain">What it is about, for reports by domain; null if the data does not say.</param>
/// <param name="Source">Where it comes from (file and line), for messages.</param>
public sealed record Conversation(IReadOnlyList<JsonElement> Messages, JsonElement? Tools = null, string? Domain = null, string Source = "")
{
    /// <summary>The conversation as a template has written it already (SpecForge's preformatted data), instead of messages; else null.</summary>
    public string? Text { get; init; }

    /// <summary>The conversation as tokens with their loss mask, instead of messages; else null.</summary>
    public TokenizedConversation? Tokens { get; init; }

    /// <summary>Its last answer was stopped by a limit (`finish_reason: length`): the model did not end it.</summary>
    public bool Unfinished { get; init; }

    /// <summary>A conversation of plain messages.</summary>
    public static Conversation Of(params (string Role, string Content)[] messages) => new([.. messages.Select(m => Message(m.Role, m.Content))]);

    /// <summary>A plain message.</summary>
    public static JsonElement Message(string role, string content)
    {
        using var document = JsonDocument.Parse(new StringBuilder("{\"role\":").AppendJson(role).Append(",\"content\":").AppendJson(content).Append('}').ToString());
        return document.RootElement.Clone();
    }

    /// <summary>The role of a message.</summary>
    public string RoleOf(int message) => Messages[message].GetProperty("role").GetString()!;

    /// <summary>The text of a message.</summary>
    public string ContentOf(int message) => Messages[message].GetProperty("content").GetString()!;

    /// <summary>Has the model something to say in it?</summary>
    public bool HasAnswer => Text is not null || Tokens is not null || Answers.Any();

    /// <summary>The messages that the assistant says.</summary>
    public IEnumerable<int> Answers => Enumerable.Range(0, Messages.Count).Where(i => Messages[i].GetProperty("role").ValueEquals("assistant"));
}
