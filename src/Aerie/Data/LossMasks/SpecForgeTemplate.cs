// What SpecForge knows of a chat template: the strings that its loss mask looks for in the text. Its named ones are facts of its registry
// (version a6b6b023); where no name is given, header and end of turn are told from the target's own template by rendering.
using System.Text.Json;
using Aerie.Text;

namespace Aerie.Data.LossMasks;

/// <summary>The strings that SpecForge's loss mask goes by.</summary>
/// <param name="AssistantHeader">What stands before an answer; not supervised.</param>
/// <param name="EndOfTurn">What ends it; supervised, exactly as long as it is given.</param>
/// <param name="SystemPrompt">Put in front of conversations without a system message; null or empty: none is.</param>
/// <param name="Thinking">The `thinking` parser: reasoning and names of tools reach the template, and <c>enable_thinking</c>.</param>
/// <param name="EnableThinking">The value of <c>enable_thinking</c>.</param>
public sealed record SpecForgeTemplate(string AssistantHeader, string EndOfTurn, string? SystemPrompt = null, bool Thinking = false, bool EnableThinking = false)
{
    const string Helpful = "You are a helpful assistant.", ChatMlHeader = "<|im_start|>assistant\n", ChatMlEnd = "<|im_end|>\n", DeepSeekHeader = "<｜Assistant｜>", DeepSeekEnd = "<｜end▁of▁sentence｜>";

    // The prompt that Meta gave Llama 2.
    const string Llama2 = "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe.  Your answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. Please ensure that your responses are socially unbiased and positive in nature.\n\nIf a question does not make any sense, or is not factually coherent, explain why instead of answering something not correct. If you don't know the answer to a question, please don't share false information.";

    /// <summary>Texts inside of answers that are not supervised.</summary>
    public IReadOnlyList<string> IgnoredTexts { get; init; } = [];

    /// <summary>SpecForge's templates by name.</summary>
    public static readonly IReadOnlyDictionary<string, SpecForgeTemplate> Named = new Dictionary<string, SpecForgeTemplate>
    {
        ["llama3"] = new("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>", Llama2),
        ["llama4"] = new("<|header_start|>assistant<|header_end|>\n\n", "<|eot|>", Helpful),
        ["qwen"] = new(ChatMlHeader, ChatMlEnd, Helpful),
        ["lfm"] = new(ChatMlHeader, ChatMlEnd),
        ["qwen3-instruct"] = new(ChatMlHeader, ChatMlEnd, Helpful) { IgnoredTexts = ["<think>\n\n</think>\n\n"] },
        ["qwen3-thinking"] = new(ChatMlHeader, ChatMlEnd, Helpful, Thinking: true, EnableThinking: true),
        ["qwen3-next-thinking"] = new(ChatMlHeader + "<think>\n", ChatMlEnd, Helpful, Thinking: true, EnableThinking: true),
        ["qwen3.5"] = new(ChatMlHeader + "<think>\n", ChatMlEnd, null, Thinking: true, EnableThinking: true),
        ["phi3"] = new("<|assistant|>\n", "<|end|>\n", Helpful),
        ["phi4"] = new("<|im_start|>assistant<|im_sep|>", "<|im_end|>", Helpful),
        ["phi4-mini"] = new("<|assistant|>", "<|end|>", Helpful),
        ["gpt-oss-naive"] = new("<|start|>assistant<|channel|>analysis<|message|>", "<|end|>"),
        ["deepseek-v2"] = new("Assistant: ", DeepSeekEnd),
        ["deepseek-v3"] = new(DeepSeekHeader, DeepSeekEnd, Helpful),
        ["deepseek-v32"] = new(DeepSeekHeader, DeepSeekEnd, null, Thinking: true, EnableThinking: true),
        ["kimi-k2-thinking"] = new("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>", Helpful, Thinking: true, EnableThinking: true),
        ["kimi-k2-instruct"] = new("<|im_assistant|>assistant<|im_middle|>", "<|im_end|>", Helpful),
        ["ling-flash-2.0"] = new("<role>ASSISTANT</role>", "<|role_end|>", Helpful),
        ["gemma"] = new("<start_of_turn>model\n", "<end_of_turn>\n", Helpful),
        ["longcat_xml"] = new("<longcat_assistant>", "</longcat_s>", Helpful),
    };

    // Its other names need more than a header and an end.
    static readonly Dictionary<string, string> Others = new()
    {
        ["gpt-oss"] = "its mask follows harmony's channels", ["glm-5.2"] = "its turns have no end of their own", ["longcat"] = "its turns have no end of their own",
        ["inkling-thinking"] = "its turns have no end of their own", ["kimi-k3-thinking"] = "its text is not written by a chat template", ["deepseek-r1-distill"] = "it has no end of turn, and SpecForge fails with it",
    };

    /// <summary>A template by SpecForge's name for it.</summary>
    /// <exception cref="AerieException">There is none of that name, or it is of a kind that is not supported.</exception>
    public static SpecForgeTemplate Find(string name) => Named.TryGetValue(name, out var found) ? found
        : Others.TryGetValue(name, out var why) ? throw new AerieException($"SpecForge's chat template `{name}` is not supported by this version: {why}.", "Leave the name out: header and end of turn are then told from the target's own template.")
        : throw new AerieException($"SpecForge has no chat template `{name}`.", DidYouMean.Hint(name, Named.Keys, $"Known: {string.Join(", ", Named.Keys)}."));

    /// <summary>Header and end of turn of a target's template: what it writes around answers, first, last, and yet to be given, alike. No system prompt is added.</summary>
    /// <exception cref="AerieException">They cannot be told.</exception>
    public static SpecForgeTemplate From(ChatTemplate template, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(tokenizer);
        const string ask = "QUESTION7", say = "ANSWER5", askAgain = "QUESTION8", sayAgain = "ANSWER6";
        JsonElement[] messages = [Conversation.Message("user", ask), Conversation.Message("assistant", say), Conversation.Message("user", askAgain), Conversation.Message("assistant", sayAgain)];
        var text = template.Render(messages).Text;
        var prompt = template.Render(messages[..1], new ChatTemplateOptions { AddGenerationPrompt = true }).Text;
        string header = Between(text, ask, say), headerAgain = Between(text, askAgain, sayAgain), headerOpen = After(prompt, ask);
        // Before the header the user's turn ends: what follows the question where no answer does.
        var asked = After(template.Render(messages[..1]).Text, ask);
        header = Untorn(Common(Common(header, headerAgain), headerOpen), tokenizer);
        // Where the end of the question is all there is ([/INST]), it is the header.
        if (header.StartsWith(asked, StringComparison.Ordinal) && header.Length > asked.Length) header = header[asked.Length..];
        var end = Whole(Common(Between(text, say, askAgain), After(text, sayAgain)), tokenizer);
        return header.Length > 0 && end.Length > 0 ? new(header, end)
            : throw new AerieException("the chat template does not show what stands before and after an answer, which SpecForge's loss mask looks for", $"Name one of SpecForge's templates: recipe_args.specforge_template ({string.Join(", ", Named.Keys)}); or use another mask.");
    }

    static string Between(string text, string from, string to) => text.IndexOf(from, StringComparison.Ordinal) is var a and >= 0 && text.IndexOf(to, a, StringComparison.Ordinal) is var b and >= 0 ? text[(a + from.Length)..b] : "";

    static string After(string text, string from) => text.IndexOf(from, StringComparison.Ordinal) is var a and >= 0 ? text[(a + from.Length)..] : "";

    static string Common(string a, string b) => a[..a.AsSpan().CommonPrefixLength(b)];

    // Without the beginning of a control token at the end of what is left.
    static string Untorn(string text, Tokenizer tokenizer)
    {
        string[] tokens = [.. tokenizer.AddedTokens.Values.Where(t => t.Special).Select(t => t.Content)];
        for (var length = 1; length <= text.Length; length++)
        {
            var tail = text[^length..];
            if (tokens.Any(t => t.Length > length && t.StartsWith(tail, StringComparison.Ordinal))) return Untorn(text[..^length], tokenizer);
        }
        return text;
    }

    // Two turns that go on differently may have half of a control token in common: up to the last whole one, and the white space behind it.
    static string Whole(string end, Tokenizer tokenizer)
    {
        var last = tokenizer.AddedTokens.Values.Where(t => t.Special).Select(t => end.LastIndexOf(t.Content, StringComparison.Ordinal) is var at and >= 0 ? at + t.Content.Length : -1).DefaultIfEmpty(-1).Max();
        if (last < 0) return Untorn(end, tokenizer);
        while (last < end.Length && char.IsWhiteSpace(end[last])) last++;
        return end[..last];
    }
}
