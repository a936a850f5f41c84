// Answers are long enough for decoding to have something to do and short enough for a small model and a quick run.
using Aerie.Fledgling;
using Aerie.Text;

namespace Aerie.Tests.Fledgling;

public sealed class LengthTests
{
    [Fact]
    public void Answers_have_between_10_and_130_tokens_and_conversations_fit_the_context()
    {
        Tokenizer tokenizer = Tokenizer.Load(CorpusTests.Asset("tokenizer.json"));
        var corpus = new Corpus(Side.Training, 3);
        Document[] documents = [.. Enumerable.Range(0, 6_000).Select(_ => Document.Of(corpus.Next(), tokenizer))];
        Assert.All(documents, document => Assert.InRange(document.Ids.Length - document.AnswerBegin, 10, 130));
        Assert.True(documents.Max(document => document.Ids.Length) < FledglingShape.Context / 2);
        Assert.InRange(documents.Average(document => document.Ids.Length - document.AnswerBegin), 35, 70);
    }
}
