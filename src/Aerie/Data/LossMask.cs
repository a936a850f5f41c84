// Which tokens of a conversation are supervised: the rules by name, one file each in LossMasks/, and what they have in common.
// docs/data.md compares them token by token.
using System.Text.Json;
using Aerie.Data.LossMasks;
using Aerie.Text;

namespace Aerie.Data;

/// <summary>Whose rule says which tokens are supervised, and how rows of data are brought into one form before.</summary>
public enum LossMaskRule
{
    /// <summary>The answer as the model says it: from after the generation prompt to its end-of-turn token.</summary>
    Aerie,
    /// <summary>NeMo AutoModel's: the whole assistant message as the template writes it, header and all.</summary>
    Automodel,
    /// <summary>SpecForge's: what stands between a header and an end-of-turn string in the text.</summary>
    SpecForge,
    /// <summary>vLLM speculators': a row per answer, supervised from the generation prompt to the end of the text.</summary>
    Speculators,
    /// <summary>transformers': what the template marks with <c>{% generation %}</c>.</summary>
    GenerationTags,
}

/// <summary>How a conversation becomes tokens.</summary>
/// <param name="Rule">Which tokens are supervised.</param>
/// <param name="SeqLength">Longer ones are cut on the right; 0: never.</param>
/// <param name="LastTurnOnly">Only the last answer is supervised (AutoModel: mask_history, SpecForge: train_only_last_turn).</param>
/// <param name="MaskReasoning">Reasoning is not supervised.</param>
/// <param name="SpecForge">The headers that SpecForge's rule looks for; null: told from the chat template.</param>
/// <param name="MinimumSupervised">speculators' minimum_valid_tokens: rows with fewer supervised tokens are left out.</param>
public sealed record LossMaskOptions(LossMaskRule Rule = LossMaskRule.Aerie, int SeqLength = 0, bool LastTurnOnly = false, bool MaskReasoning = false, SpecForgeTemplate? SpecForge = null, int MinimumSupervised = 0)
{
    /// <summary>The rules by the names that recipes and the command line use.</summary>
    public static readonly IReadOnlyDictionary<string, LossMaskRule> Names = new Dictionary<string, LossMaskRule>
    {
        ["aerie"] = LossMaskRule.Aerie, ["automodel"] = LossMaskRule.Automodel, ["specforge"] = LossMaskRule.SpecForge, ["speculators"] = LossMaskRule.Speculators, ["generation_tags"] = LossMaskRule.GenerationTags,
    };
}

/// <summary>A conversation as tokens.</summary>
/// <param name="Ids">Token ids [T].</param>
/// <param name="LossMask">Which of them are supervised [T].</param>
/// <param name="Domain">What it is about; null if the data does not say.</param>
/// <param name="WasCut">It was longer than the sequence length.</param>
public sealed record TokenizedConversation(int[] Ids, bool[] LossMask, string? Domain = null, bool WasCut = false)
{
    readonly int? uncut;

    /// <summary>Tokens before the cut.</summary>
    public int FullLength { get => uncut ?? Ids.Length; init => uncut = value; }

    /// <summary>Where it comes from (file and line), for messages.</summary>
    public string Source { get; init; } = "";

    /// <summary>Supervised tokens.</summary>
    public int Supervised => LossMask.Count(true);
}

/// <summary>Turns conversations into tokens and loss masks. Safe for several threads.</summary>
public sealed class LossMask
{
    readonly LossMaskOptions options;
    readonly Tokenizer tokenizer;
    readonly Renderings renderings;
    readonly IMaskRule rule;

    /// <param name="tokenizer">The target's tokenizer.</param>
    /// <param name="template">The target's chat template.</param>
    /// <param name="options">Whose rule, and its settings.</param>
    /// <exception cref="AerieException">The rule does not go with the template.</exception>
    public LossMask(Tokenizer tokenizer, ChatTemplate template, LossMaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(options);
        if (options is { Rule: LossMaskRule.SpecForge, MaskReasoning: true }) throw new AerieException("SpecForge's loss mask does not tell reasoning from answers", "Leave mask_reasoning_content out, or use another mask_semantics.");
        (this.options, this.tokenizer) = (options, tokenizer);
        renderings = new(tokenizer, template);
        rule = options.Rule switch
        {
            LossMaskRule.SpecForge => new SpecForgeMask(renderings, options.SpecForge ?? SpecForgeTemplate.From(template, tokenizer), options.LastTurnOnly),
            LossMaskRule.Speculators => new SpeculatorsMask(renderings, options.SeqLength),
            _ when template.MarksGeneration => new GenerationTags(renderings, options.SeqLength),
            LossMaskRule.GenerationTags => throw new AerieException("the chat template has no {% generation %}, which the loss mask `generation_tags` goes by", "Use the default loss mask: it needs no marks."),
            LossMaskRule.Automodel => new AutomodelMask(renderings, options.SeqLength),
            _ => new AerieMask(renderings),
        };
    }

    /// <summary>The rows of a conversation: usually one; under <see cref="LossMaskRule.Speculators"/>, and under <see cref="LossMaskRule.Aerie"/> where the template rewrites earlier turns, one per answer.</summary>
    /// <exception cref="AerieException">The template refuses the conversation, or its answers cannot be told from the rest.</exception>
    public IReadOnlyList<TokenizedConversation> Rows(Conversation conversation)
    {
        ArgumentNullException.ThrowIfNull(conversation);
        if (!conversation.HasAnswer && !Forgiving(options.Rule)) throw new AerieException($"{conversation.Source}: has no assistant turn");
        if (conversation.Text is not null && options.Rule != LossMaskRule.SpecForge)
            throw new AerieException($"{conversation.Source}: is text that a template has written already; which part of it is an answer is told by headers only", "Use mask_semantics: specforge, or give the messages.");
        IEnumerable<MaskedTokens> rows = conversation.Tokens is { } given ? [new([.. given.Ids], [.. given.LossMask])] : rule.Rows(conversation);
        if (conversation.Tokens?.Ids.FirstOrDefault(id => (uint)id >= (uint)tokenizer.VocabularySize, -1) is { } strange and not -1)
            throw new AerieException($"{conversation.Source}: token {strange} is not of this tokenizer ({tokenizer.VocabularySize} tokens)", "The rows were made for another target.");
        if (options.LastTurnOnly && options.Rule != LossMaskRule.SpecForge) rows = rows.TakeLast(1);
        List<MaskedTokens> made = [.. rows];
        if (conversation.Unfinished && options.Rule == LossMaskRule.Aerie && made.Count > 0) WithoutEnd(made[^1]);
        return [.. made.Select(row => Finished(conversation, row)).Where(row => row.Supervised >= Fewest)];
    }

    /// <summary>SpecForge and speculators leave conversations without an answer out; for all others they are mistakes.</summary>
    internal static bool Forgiving(LossMaskRule rule) => rule is LossMaskRule.SpecForge or LossMaskRule.Speculators;

    // speculators leaves rows out; all others give what there is.
    int Fewest => options.Rule == LossMaskRule.Speculators ? Math.Max(1, options.MinimumSupervised) : 0;

    // The template ends every answer; one that a limit stopped was not ended by the model, and its end is nothing to learn.
    void WithoutEnd(MaskedTokens row)
    {
        for (var last = Array.LastIndexOf(row.Mask, true); last >= 0 && row.Mask[last] && tokenizer.AddedTokens.TryGetValue(row.Ids[last], out var token) && token.Special; last--) row.Mask[last] = false;
    }

    TokenizedConversation Finished(Conversation conversation, MaskedTokens row)
    {
        if (options.MaskReasoning) HideReasoning(conversation, row);
        if (options.LastTurnOnly && options.Rule != LossMaskRule.SpecForge) KeepLastRun(row.Mask, options.SeqLength);
        var length = options.SeqLength > 0 ? Math.Min(options.SeqLength, row.Ids.Count) : row.Ids.Count;
        return new TokenizedConversation([.. row.Ids.Take(length)], row.Mask[..length], conversation.Domain, length < row.Ids.Count) { FullLength = row.Ids.Count, Source = conversation.Source };
    }

    // The tokens that change when a message's reasoning is left empty.
    void HideReasoning(Conversation conversation, MaskedTokens row)
    {
        if (conversation.Tokens is not null) return;
        foreach (var i in conversation.Answers.Where(i => i < row.Messages))
        {
            if (!conversation.Messages[i].TryGetProperty("reasoning_content", out var reasoning) || reasoning.ValueEquals("")) continue;
            JsonElement[] messages = [.. conversation.Messages.Take(row.Messages)];
            messages[i] = WithoutReasoning(messages[i]);
            var other = renderings.Ids(conversation, messages);
            var start = MaskedTokens.CommonPrefix(row.Ids, other);
            var tail = 0;
            while (tail < Math.Min(row.Ids.Count, other.Count) - start && row.Ids[^(tail + 1)] == other[^(tail + 1)]) tail++;
            for (var t = start; t < row.Ids.Count - tail; t++) row.Mask[t] = false;
        }
    }

    static JsonElement WithoutReasoning(JsonElement message)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            foreach (var item in message.EnumerateObject())
            {
                if (item.NameEquals("reasoning_content")) json.WriteString("reasoning_content", "");
                else item.WriteTo(json);
            }
            json.WriteEndObject();
        }
        using var document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }

    static void KeepLastRun(bool[] mask, int seqLength)
    {
        var end = seqLength > 0 ? Math.Min(seqLength, mask.Length) : mask.Length;
        while (end > 0 && !mask[end - 1]) end--;
        var start = end;
        while (start > 0 && mask[start - 1]) start--;
        Array.Clear(mask, 0, start);
    }
}
