// What turns conversations into tokens and back: a target folder's tokenizer and chat template, without its weights.
namespace Aerie.Text;

/// <summary>A tokenizer with its chat template.</summary>
public sealed record ChatFormat(Tokenizer Tokenizer, ChatTemplate Template)
{
    /// <summary>Loads both from a Hugging Face folder.</summary>
    /// <exception cref="AerieException">One is missing or not supported.</exception>
    public static ChatFormat Load(string folder)
    {
        if (!Directory.Exists(folder)) throw new AerieException($"{folder}: no such folder.", "Give the target's Hugging Face folder, the one with tokenizer.json.");
        var tokenizer = Tokenizer.Load(Path.Combine(folder, Tokenizer.FileName));
        var template = ChatTemplate.Find(folder, tokenizer.SpecialTokens)
            ?? throw new AerieException($"{folder}: has no chat template.", "Put a chat_template.jinja into the folder; the model's card or its sibling repositories have one.");
        return new(tokenizer, template);
    }
}
