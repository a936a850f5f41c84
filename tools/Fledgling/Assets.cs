// The folder assets/fledgling, part by part.
using Aerie.Text;

namespace Aerie.Fledgling;

internal static class Assets
{
    const int TokenizerExamples = 40_000, TrainingPrompts = 300, HeldOutPrompts = 50; // prompts: per domain

    /// <summary>Tokenizer, configuration and prompts: all that needs no training.</summary>
    public static void WriteText(string folder, ulong seed)
    {
        Directory.CreateDirectory(folder);
        TokenizerFiles.Make(folder, seed, TokenizerExamples);
        ModelFolder.WriteConfig(folder);
        ModelFolder.WritePrompts(Path.Combine(folder, "prompts.jsonl"), new Corpus(Side.Training, seed).Distinct(TrainingPrompts));
        ModelFolder.WritePrompts(Path.Combine(folder, "heldout.jsonl"), new Corpus(Side.HeldOut, seed).Distinct(HeldOutPrompts));
    }

    /// <summary>Random weights of one size each, plus or minus: for trying loaders before there is a trained model, and small once compressed.</summary>
    public static void WriteUntrained(string folder, ulong seed)
    {
        var draw = new Draw(seed);
        FledglingShape.WriteWeights(folder, weight =>
        {
            float[] values = FledglingShape.Start(weight, draw);
            for (int i = 0; i < values.Length && weight.Deviation > 0; i++)
                values[i] = (float)Math.CopySign(weight.Deviation, values[i]);
            return values;
        });
    }

    /// <summary>Trains, writes weights, log and the judgement on the held-out prompts.</summary>
    public static void Train(string folder, TrainingPlan plan)
    {
        Tokenizer tokenizer = Tokenizer.Load(Path.Combine(folder, Tokenizer.FileName));
        (FledglingModel model, TrainingLog log) = Training.Run(folder, tokenizer, plan);
        using (model)
        {
            log.Write(folder, plan, $"{Environment.ProcessorCount} processors");
            List<Example> heldOut = new Corpus(Side.HeldOut, plan.Seed).Distinct(HeldOutPrompts);
            ModelCard.Write(folder, plan, log, heldOut, Evaluation.Exact(model, tokenizer, heldOut), (examples) => Evaluation.Answers(model, tokenizer, examples));
        }
    }
}
