// How many held-out prompts are answered exactly as the generator would. Greedy decoding gives the expected answer if and only if
// the most probable token is the expected one at every position of it, so one pass over the packed conversations decides.
using Aerie.Tensors;
using Aerie.Text;

namespace Aerie.Fledgling;

internal static class Evaluation
{
    const int Rows = 2048;

    /// <summary>For every example, whether the greedy answer equals the expected one.</summary>
    public static bool[] Exact(FledglingModel model, Tokenizer tokenizer, IReadOnlyList<Example> examples)
    {
        using var tape = new Tape(Kernels.Cpu, record: false);
        var exact = new List<bool>();
        var waiting = new List<Document>();
        int rows = 0;
        foreach (Example example in examples)
        {
            Document document = Document.Of(example, tokenizer);
            if (rows + document.Ids.Length > Rows)
                Judge();
            waiting.Add(document);
            rows += document.Ids.Length;
        }
        Judge();
        return [.. exact];

        void Judge()
        {
            if (waiting.Count == 0)
                return;
            int[] guesses = model.Guess(tape, Batch.Pack(waiting));
            tape.Reset();
            int at = 0;
            foreach (Document document in waiting)
            {
                ReadOnlySpan<int> said = guesses.AsSpan(at + document.AnswerBegin - 1, document.Ids.Length - document.AnswerBegin);
                exact.Add(said.SequenceEqual(document.Ids.AsSpan(document.AnswerBegin)));
                at += document.Ids.Length;
            }
            waiting.Clear();
            rows = 0;
        }
    }

    /// <summary>Greedy answers, token by token, by running everything again for every token: slow and plain.</summary>
    public static string[] Answers(FledglingModel model, Tokenizer tokenizer, IReadOnlyList<Example> examples, int most = 160)
    {
        using var tape = new Tape(Kernels.Cpu, record: false);
        List<Document> documents = [.. examples.Select(example => Document.Of(example, tokenizer)).Select(document => document with { Ids = document.Ids[..document.AnswerBegin] })];
        for (int i = 0; i < most && documents.Exists(document => document.Ids[^1] != TokenizerFiles.End); i++)
        {
            int[] guesses = model.Guess(tape, Batch.Pack(documents));
            tape.Reset();
            for (int d = 0, end = 0; d < documents.Count; d++)
            {
                end += documents[d].Ids.Length;
                if (documents[d].Ids[^1] != TokenizerFiles.End)
                    documents[d] = documents[d] with { Ids = [.. documents[d].Ids, guesses[end - 1]] };
            }
        }
        return [.. documents.Select(document => tokenizer.Decode(document.Ids.Skip(document.AnswerBegin).TakeWhile(id => id != TokenizerFiles.End)))];
    }
}
