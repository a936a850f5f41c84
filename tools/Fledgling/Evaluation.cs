// How many held-out prompts are answered exactly as the generator would. Greedy decoding gives the expected answer if and only if
// the most probable token is the expected one at every position of it, so one pass over the packed conversations decides.
using Aerie.Tensors;

namespace Aerie.Fledgling;

internal static class Evaluation
{
    const int Rows = 2048;

    /// <summary>For every example, whether the greedy answer equals the expected one.</summary>
    public static bool[] Exact(FledglingModel model, CorpusEncoder encoder, IReadOnlyList<Example> examples)
    {
        using var tape = new Tape(Kernels.Cpu, record: false);
        var exact = new List<bool>();
        var waiting = new List<Document>();
        int rows = 0;
        foreach (Example example in examples)
        {
            Document document = Document.Of(example, encoder);
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
}
