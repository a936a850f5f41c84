// Greedy answers of the finished folder, read back and decoded as any user would.
using Aerie.Decoding;
using Aerie.Targets;
using Aerie.Text;

namespace Aerie.Fledgling;

internal static class Evaluation
{
    const int MostTokens = 160;

    /// <summary>The answers to <paramref name="examples"/>, in their order.</summary>
    public static string[] Answers(string folder, IReadOnlyList<Example> examples)
    {
        var tokenizer = Tokenizer.Load(Path.Combine(folder, Tokenizer.FileName));
        using var target = Target.Load(folder);
        using var decoder = new GreedyDecoder(target, 16);
        int[][] answers = decoder.Decode([.. examples.Select(example =>
        {
            Document document = Document.Of(example, tokenizer);
            return new DecodingRequest(document.Ids[..document.AnswerBegin], MostTokens, [TokenizerFiles.End]);
        })]);
        return [.. answers.Select(answer => tokenizer.Decode(answer.TakeWhile(id => id != TokenizerFiles.End)))];
    }
}
