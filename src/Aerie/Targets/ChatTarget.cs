// A target with what it takes to talk to it: network, tokenizer, chat template.
using System.Text.Json;
using Aerie.Data;
using Aerie.Decoding;
using Aerie.Tensors;
using Aerie.Text;

namespace Aerie.Targets;

/// <summary>A target folder, loaded for chat.</summary>
public sealed class ChatTarget : IDisposable
{
    ChatTarget(string folder, Target network, Tokenizer tokenizer, ChatTemplate template) => (Folder, Network, Tokenizer, Template) = (folder, network, tokenizer, template);

    /// <summary>Loads a Hugging Face folder.</summary>
    /// <param name="folder">config.json, safetensors, tokenizer.json, and a chat template in tokenizer_config.json or chat_template.jinja.</param>
    /// <param name="precision">How products read the weights; null: bf16 for a checkpoint in bf16, else f32.</param>
    /// <exception cref="AerieException">Something is missing or not supported.</exception>
    public static ChatTarget Load(string folder, Precision? precision = null)
    {
        if (!Directory.Exists(folder)) throw new AerieException($"{folder}: no such folder.", "Give the target's Hugging Face folder, the one with config.json.");
        var config = TargetConfig.Read(folder);                // cheap, and the most telling when it is wrong
        var tokenizer = Tokenizer.Load(Path.Combine(folder, Tokenizer.FileName));
        var template = ChatTemplate.Find(folder, tokenizer.SpecialTokens)
            ?? throw new AerieException($"{folder}: has no chat template.", "Put a chat_template.jinja into the folder; the model's card or its sibling repositories have one.");
        return new(folder, Target.Load(config, folder, precision), tokenizer, template);
    }

    /// <summary>Where it was loaded from.</summary>
    public string Folder { get; }

    /// <summary>The network.</summary>
    public Target Network { get; }

    /// <summary>Its tokenizer.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Its chat template.</summary>
    public ChatTemplate Template { get; }

    /// <summary>The tokens that end its answers.</summary>
    public IReadOnlyList<int> EndTokenIds => Network.Config.EndTokenIds;

    /// <summary>The prompt of a conversation: its messages without the answers at its end, then the header of an answer. Null if nobody has asked anything.</summary>
    public int[]? Prompt(Conversation conversation)
    {
        var messages = Question(conversation);
        if (!messages.Any(m => m.GetProperty("role").ValueEquals("user"))) return null;
        return [.. Tokenizer.Encode(Template.Render(messages, new ChatTemplateOptions { AddGenerationPrompt = true, Tools = conversation.Tools }).Text)];
    }

    /// <summary>A request to answer a prompt.</summary>
    /// <exception cref="AerieException">The prompt leaves no room for an answer; <paramref name="source"/> says where it comes from.</exception>
    public DecodingRequest Ask(int[] prompt, int maxNewTokens, string source = "the prompt") => prompt.Length < Network.Config.MaxPositions ? new(prompt, maxNewTokens, EndTokenIds)
        : throw new AerieException($"{source}: a prompt of {prompt.Length} tokens does not fit into the target's context of {Network.Config.MaxPositions} with room for an answer.", "Shorten it or leave it out.");

    /// <summary>The text of an answer: without the token that ends it.</summary>
    public string Answer(IReadOnlyList<int> tokens) => Tokenizer.Decode(tokens, skipSpecialTokens: true);

    /// <summary>The messages of a conversation without the answers at its end.</summary>
    public static IReadOnlyList<JsonElement> Question(Conversation conversation)
    {
        var count = conversation.Messages.Count;
        while (count > 0 && conversation.RoleOf(count - 1) == "assistant") count--;
        return [.. conversation.Messages.Take(count)];
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => Network.Dispose();
}
