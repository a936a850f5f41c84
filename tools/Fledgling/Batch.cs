// Whole conversations packed one after the other, without padding. Every row sees its own document only.
// The answer is supervised in full; the prompt a little, which helps the first thousand steps to find the words.
using Aerie.Text;

namespace Aerie.Fledgling;

/// <summary>Packed rows. Intervals: two numbers a row, the visible keys [begin, end). Label -1 and weight 0: not supervised.</summary>
internal sealed record Batch(int[] Ids, int[] Positions, int[] Intervals, int[] Labels, float[] Weights)
{
    const float PromptWeight = 0.05f;

    /// <summary>Packs documents; the weights of a batch add up to one.</summary>
    public static Batch Pack(IReadOnlyList<Document> documents)
    {
        int rows = documents.Sum(document => document.Ids.Length), at = 0;
        var batch = new Batch(new int[rows], new int[rows], new int[rows * 2], new int[rows], new float[rows]);
        foreach (Document document in documents)
        {
            for (int i = 0, begin = at; i < document.Ids.Length; i++, at++)
            {
                batch.Ids[at] = document.Ids[i];
                batch.Positions[at] = i;
                (batch.Intervals[2 * at], batch.Intervals[2 * at + 1]) = (begin, at + 1);
                bool last = i + 1 == document.Ids.Length;
                batch.Labels[at] = last ? -1 : document.Ids[i + 1];
                batch.Weights[at] = last ? 0 : i + 1 >= document.AnswerBegin ? 1 : PromptWeight;
            }
        }
        float factor = (float)(1 / batch.Weights.Sum(weight => (double)weight));
        for (int i = 0; i < rows; i++)
            batch.Weights[i] *= factor;
        return batch;
    }
}

/// <summary>One conversation in tokens; the answer and its end mark are Ids[AnswerBegin..].</summary>
internal sealed record Document(Example Example, int[] Ids, int AnswerBegin)
{
    /// <summary>What the chat template makes of one user message, up to where the assistant speaks.</summary>
    public static string Question(string prompt) => $"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n";

    public static Document Of(Example example, Tokenizer tokenizer)
    {
        List<int> question = tokenizer.Encode(Question(example.Prompt));
        return new Document(example, [.. question, .. tokenizer.Encode(example.Answer + "<|im_end|>")], question.Count);
    }
}
