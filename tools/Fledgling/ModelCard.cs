// assets/fledgling/README.md: what the model is, how good it is on held-out prompts, ten of its answers, how it is made.
using System.Globalization;
using System.Text;
using Aerie.Formats;

namespace Aerie.Fledgling;

internal static class ModelCard
{
    const int Shown = 10;
    static readonly string[] Numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

    public static void Write(string folder, TrainingPlan plan, int steps, IReadOnlyList<Example> heldOut, string[] answers)
    {
        var text = new StringBuilder();
        int weights = FledglingShape.Weights().Sum(weight => weight.Count);
        text.AppendLine(CultureInfo.InvariantCulture, $"""
            # fledgling: the embedded target

            A small language model of our own, so that the whole life of a drafter can be lived on a fresh machine in minutes: Llama architecture, {FledglingShape.Layers} layers, hidden {FledglingShape.Hidden},
            intermediate {FledglingShape.Intermediate}, {FledglingShape.Heads} heads of {FledglingShape.HeadDim} on {FledglingShape.KeyValueHeads} key-value heads, {TokenizerFiles.VocabularySize} tokens, tied embeddings: {weights / 1e6:F2} million weights in bf16.
            It knows {Numbers[Corpus.Asked.Count()]} kinds of tasks and nothing else: {Words(heldOut)}.

            | file | what |
            |---|---|
            | `config.json`, `generation_config.json`, `model.safetensors` | the model, as Hugging Face libraries load it |
            | `tokenizer.json`, `tokenizer_config.json` | byte-level BPE (digits one by one) and a ChatML template |
            | `prompts.jsonl` | {Lines(folder, "prompts.jsonl")} prompts of the training side, for making a drafter's training data |
            | `heldout.jsonl` | {Lines(folder, "heldout.jsonl")} prompts that no training has ever seen, for judging |
            | `training.md`, `training.svg` | the log and curve of the training run |

            ## How good it is

            Share of the held-out prompts whose greedy answer equals the generator's, character by character:

            | domain | exactly right |
            |---|---:|
            """);
        text.AppendLine(Shares(heldOut, answers));
        text.AppendLine(CultureInfo.InvariantCulture, $"## Ten held-out prompts and its answers\n\nThe first ten of `heldout.jsonl`, as they come; greedy decoding.");
        for (int i = 0; i < Shown; i++)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"\n**{heldOut[i].Prompt}**\n\n````text\n{answers[i]}\n````");
            text.AppendLine(answers[i] == heldOut[i].Answer ? "\n(as expected)" : $"\n(expected: `{heldOut[i].Answer.ReplaceLineEndings(" ")}`)");
        }
        text.AppendLine(CultureInfo.InvariantCulture, $"""

            ## How it is made

                dotnet run -c Release --project tools/Fledgling -- make --out assets/fledgling --seed {plan.Seed} {(plan.Steps > 0 ? $"--steps {plan.Steps}" : $"--minutes {plan.Minutes}")}

            remakes everything in this folder: corpus, tokenizer, prompts, weights, log and this page. With `--minutes` the learning rate follows the clock, so that a slow or busy machine ends in time too;
            with `--steps` (this run did {steps}) it follows the steps and the weights do not depend on the machine's speed.
            `tools/Fledgling/Domains` holds one generator per kind of task; the prompt alone decides the answer.
            A prompt is on the held-out side if its own hash says so (one in sixteen), so the two sides cannot share a prompt, whatever the seed.
            The training is Aerie's own: the tape, kernels and AdamW of `src/Aerie.Tensors`. See [training.md](training.md) for its curve and speed.
            """);
        WholeFile.Write(Path.Combine(folder, "README.md"), text.ToString());
        Console.WriteLine(Shares(heldOut, answers));
    }

    /// <summary>Table rows: how many answers equal the expected ones, by domain and in all.</summary>
    public static string Shares(IReadOnlyList<Example> heldOut, string[] answers)
    {
        (string Domain, bool Right)[] judged = [.. heldOut.Zip(answers, (example, answer) => (example.Domain, answer == example.Answer))];
        var text = new StringBuilder();
        foreach (var domain in judged.GroupBy(one => one.Domain))
            text.AppendLine(CultureInfo.InvariantCulture, $"| {domain.Key} | {domain.Count(one => one.Right)} of {domain.Count()} |");
        int right = judged.Count(one => one.Right);
        text.AppendLine(CultureInfo.InvariantCulture, $"| **all** | **{right} of {judged.Length} ({100.0 * right / judged.Length:F0} %)** |");
        return text.ToString();
    }

    static string Words(IReadOnlyList<Example> examples)
    {
        string[] names = [.. examples.Select(example => example.Domain).Distinct()];
        return Domains.Words.List(names);
    }

    static int Lines(string folder, string name) => File.ReadLines(Path.Combine(folder, name)).Count();
}
