// A model's chat template: Jinja as Hugging Face transformers runs it (sandboxed, trim_blocks, lstrip_blocks, loop controls,
// {% generation %}). Compiled once; a rendering has limits on steps, output and depth, and reaches nothing outside its variables.
using System.Text.Json;
using Aerie.Text.Templates;

namespace Aerie.Text;

/// <summary>What a rendering may be given beside the messages.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>End with the header of an answer.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>The list of tools; null for none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>The list of documents; null for none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Further variables; they win over the special tokens.</summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>End right after this field of the last message (usually <c>content</c>), so that the model continues it.</summary>
    public string? ContinueFinalMessage { get; init; }

    /// <summary>The clock of <c>strftime_now</c>; null for this machine's.</summary>
    public DateTime? Now { get; init; }
}

/// <summary>A rendered conversation.</summary>
/// <param name="Text">The text.</param>
/// <param name="GenerationSpans">[start, end) of each <c>{% generation %}</c> block, in code points.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<(int Start, int End)> GenerationSpans);

/// <summary>A compiled chat template. Safe for several threads.</summary>
public sealed class ChatTemplate
{
    const string ContinueTag = "CONTINUE_FINAL_MESSAGE_TAG ";

    readonly Block root;
    readonly string source;
    readonly IReadOnlyDictionary<string, string> specialTokens;
    IReadOnlyDictionary<string, JsonElement> variables = new Dictionary<string, JsonElement>();
    ChatTemplate? withTools;

    /// <summary>Compiles a template.</summary>
    /// <param name="source">The template's text.</param>
    /// <param name="specialTokens">Variables such as <c>bos_token</c>; null for none.</param>
    /// <exception cref="AerieException">A syntax error, or an unknown construct, with its line and column.</exception>
    public ChatTemplate(string source, IReadOnlyDictionary<string, string>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        this.source = source.EndsWith('\n') ? source[..^1] : source;
        this.specialTokens = specialTokens ?? new Dictionary<string, string>();
        root = Parser.Parse(this.source);
    }

    /// <summary>Does the template mark the assistant's text with <c>{% generation %}</c>?</summary>
    public bool MarksGeneration => withTools?.MarksGeneration != false && source.Contains("generation", StringComparison.Ordinal) && System.Text.RegularExpressions.Regex.IsMatch(source, @"\{%[-+]?\s*generation\s*[-+]?%\}");

    /// <summary>The template of a model folder, wherever it keeps it (ChatTemplateFiles.cs); null if there is none. Of several it is <paramref name="name"/>;
    /// without a name <c>default</c>, and <c>tool_use</c> for conversations with tools where the model has one.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="specialTokens">Usually <see cref="Tokenizer.SpecialTokens"/>.</param>
    /// <param name="name">Which one of several.</param>
    /// <exception cref="AerieException">A template is broken, or there is none of that name.</exception>
    public static ChatTemplate? Find(string folder, IReadOnlyDictionary<string, string>? specialTokens = null, string? name = null)
    {
        var found = ChatTemplateFiles.In(folder);
        if (found.Count == 0) return null;
        var names = string.Join(", ", found.Keys.Order(StringComparer.Ordinal));
        var source = found.GetValueOrDefault(name ?? "default") ?? throw new AerieException($"{folder}: has no chat template '{name ?? "default"}'", $"It has: {names}.");
        var template = Compile(source);
        if (name is null && found.TryGetValue("tool_use", out var other)) template.withTools = Compile(other);
        return template;

        ChatTemplate Compile(ChatTemplateFiles.Source source) => InFile(source.Where, () => new ChatTemplate(source.Text, specialTokens));
    }

    /// <summary>The same template with further variables for every rendering, such as <c>enable_thinking</c>; those of a rendering win.</summary>
    public ChatTemplate With(IReadOnlyDictionary<string, JsonElement> variables)
    {
        var copy = (ChatTemplate)MemberwiseClone();
        copy.variables = variables;
        copy.withTools = withTools?.With(variables);
        return copy;
    }

    /// <summary>The template that renders a conversation with these tools: this one, or the model's own for tools.</summary>
    public ChatTemplate For(JsonElement? tools) => tools is null ? this : withTools ?? this;

    /// <summary>Compiles a template file.</summary>
    public static ChatTemplate Load(string file, IReadOnlyDictionary<string, string>? specialTokens = null)
    {
        var text = ChatTemplateFiles.ReadText(file);
        return InFile(file, () => new ChatTemplate(text, specialTokens));
    }

    static ChatTemplate InFile(string where, Func<ChatTemplate> compile)
    {
        try
        {
            return compile();
        }
        catch (AerieException problem)
        {
            throw new AerieException($"{where}: {problem.Message}", problem.Hint, problem);
        }
    }

    /// <summary>Renders messages (objects with <c>role</c> and <c>content</c> and whatever the template looks at).</summary>
    /// <exception cref="AerieException">The template refuses the conversation, or fails; nothing is returned in part.</exception>
    public RenderedChat Render(IReadOnlyList<JsonElement> messages, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new ChatTemplateOptions();
        if (options.Tools is not null && withTools is not null) return withTools.Render(messages, options);
        List<object> values = [.. messages.Select(TemplateInput.Message)];
        var continued = options.ContinueFinalMessage is { } field ? MarkEnd(values, field, options) : null;
        var run = new Run(options.Now ?? DateTime.Now, messages.Count);
        run.Scope.Set("messages", new Items(values));
        run.Scope.Set("tools", options.Tools is { } tools ? TemplateInput.Value(tools) : None.Value);
        run.Scope.Set("documents", options.Documents is { } documents ? TemplateInput.Value(documents) : None.Value);
        run.Scope.Set("add_generation_prompt", options.AddGenerationPrompt);
        foreach (var (name, token) in specialTokens) run.Scope.Set(name, token);
        foreach (var (name, value) in variables) run.Scope.Set(name, TemplateInput.Value(value));
        foreach (var (name, value) in options.Variables) run.Scope.Set(name, TemplateInput.Value(value));
        run.Scope = new Scope(run.Scope);
        run.Begin();
        try
        {
            root.Do(run);
        }
        catch (TemplateError problem)
        {
            throw Lexer.Error(source, run.At, problem.Message);
        }
        var text = run.Top.ToString();
        return new RenderedChat(continued is null ? text : CutAtEnd(text, continued), run.Spans);
    }

    // Puts a mark behind the text to be continued, and gives that text.
    string MarkEnd(List<object> messages, string field, ChatTemplateOptions options)
    {
        if (options.AddGenerationPrompt) throw new AerieException("continue_final_message: not with a generation prompt behind the message");
        if (messages.LastOrDefault() is not Dict last || last.Find(field) is not { } content) throw new AerieException($"continue_final_message: the last message has no '{field}'");
        if (!source.Contains(field, StringComparison.Ordinal)) throw new AerieException($"continue_final_message: the chat template does not use '{field}'");
        if (content is Items parts)
        {
            var part = parts.Values.OfType<Dict>().LastOrDefault(p => p.Find("text") is string) ?? throw new AerieException($"continue_final_message: the last message's '{field}' has no text");
            var end = (string)part.Find("text")!;
            part.Put("text", end + ContinueTag);
            return end;
        }
        if (content is not string text) throw new AerieException($"continue_final_message: the last message's '{field}' is no text");
        string[] same = TemplateInput.Reasoning.Contains(field) ? [.. TemplateInput.Reasoning.Where(name => last.Find(name) is string other && other == text)] : [field];
        foreach (var name in same) last.Put(name, text + ContinueTag);
        return text;
    }

    static string CutAtEnd(string text, string continued)
    {
        var at = text.LastIndexOf(ContinueTag.TrimEnd(), StringComparison.Ordinal);
        if (at < 0 || !text.Contains(StringMethods.Strip(continued, null, true, true), StringComparison.Ordinal)) throw new AerieException("continue_final_message: the chat template changes the text of the last message");
        // Where the template trims, the mark's space is gone, and so is white space before it.
        return string.CompareOrdinal(text, at, ContinueTag, 0, ContinueTag.Length) == 0 ? text[..at] : StringMethods.Strip(text[..at], null, false, true);
    }
}
