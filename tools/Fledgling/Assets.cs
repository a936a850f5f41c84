// The folder assets/fledgling, part by part.
using Aerie.Tensors.Cpu;
using Aerie.Text;

namespace Aerie.Fledgling;

internal static class Assets
{
    const int TokenizerExamples = 40_000, TrainingPrompts = 500, HeldOutPrompts = 50; // prompts: per domain

    /// <summary>Tokenizer, configuration and prompts: all that needs no training.</summary>
    public static void WriteText(string folder, ulong seed)
    {
        Directory.CreateDirectory(folder);
        TokenizerFiles.Make(folder, seed, TokenizerExamples);
        ModelFolder.WriteConfig(folder);
        ModelFolder.WritePrompts(Path.Combine(folder, "prompts.jsonl"), new Corpus(Side.Training, seed).Distinct(TrainingPrompts));
        ModelFolder.WritePrompts(Path.Combine(folder, "heldout.jsonl"), HeldOut(seed));
    }

    /// <summary>The held-out prompts with the expected answers, as heldout.jsonl has them.</summary>
    public static List<Example> HeldOut(ulong seed) => new Corpus(Side.HeldOut, seed).Distinct(HeldOutPrompts);

    /// <summary>Trains, writes weights, log and the judgement on the held-out prompts.</summary>
    public static void Train(string folder, TrainingPlan plan)
    {
        TrainingLog log = Training.Run(folder, Tokenizer.Load(Path.Combine(folder, Tokenizer.FileName)), plan);
        log.Write(folder, plan, Gemm.Describe());
        WriteCard(folder, plan, log.Steps);
    }

    /// <summary>Judges the model in the folder on the held-out prompts and writes README.md.</summary>
    public static void WriteCard(string folder, TrainingPlan plan, int steps)
    {
        List<Example> heldOut = HeldOut(plan.Seed);
        ModelCard.Write(folder, plan, steps, heldOut, Evaluation.Answers(folder, heldOut));
    }
}
