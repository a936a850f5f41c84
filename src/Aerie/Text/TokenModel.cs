// The models of tokenizer.json: a piece of text to ids. An unknown one is refused by name.
using Aerie.Text.Bpe;

namespace Aerie.Text;

/// <summary>What turns a piece of text into ids.</summary>
abstract class TokenModel
{
    /// <summary>Token string to id.</summary>
    internal abstract IReadOnlyDictionary<string, int> Vocabulary { get; }

    internal abstract void Encode(in Piece piece, List<int> to);

    // Old files leave the type out.
    internal static TokenModel Read(ComponentJson json) => (json.TextOrNull("type") ?? (json.Find("merges") is not null ? "BPE" : throw json.Bad("has neither a type nor merges"))) switch
    {
        "BPE" => new BpeModel(json),
        "Unigram" => new UnigramModel(json),
        _ => throw json.Unsupported("model"),
    };
}
