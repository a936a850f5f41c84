// The trained folder seen from outside: the product's template, tokenizer and target read it and say what the training program means.
using System.Text.Json;
using Aerie.Fledgling;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Text;

namespace Aerie.Tests.Fledgling;

public sealed class ModelTests
{
    static readonly string Folder = Path.GetDirectoryName(CorpusTests.Asset("config.json"))!;

    [Fact]
    public void Training_sees_conversations_as_the_chat_template_writes_them()
    {
        ChatTemplate template = ChatTemplate.Find(Folder)!;
        Example example = Assets.HeldOut(1)[2];
        string rendered = template.Render([Message("user", example.Prompt)], new ChatTemplateOptions { AddGenerationPrompt = true }).Text;
        Assert.Equal(Document.Question(example.Prompt), rendered);
        string whole = template.Render([Message("user", example.Prompt), Message("assistant", example.Answer)]).Text;
        Assert.Equal(rendered + example.Answer + "<|im_end|>\n", whole);
    }

    static JsonElement Message(string role, string content)
    {
        using JsonDocument message = JsonDocument.Parse($"{{\"role\":\"{role}\",\"content\":\"{JsonEncodedText.Encode(content)}\"}}");
        return message.RootElement.Clone();
    }

    [Fact]
    public void The_training_forward_is_the_targets_forward()
    {
        string folder = Directory.CreateTempSubdirectory("aerie-fledgling").FullName;
        ModelFolder.WriteConfig(folder);
        using var model = new FledglingModel(7);
        var tokenizer = Tokenizer.Load(CorpusTests.Asset("tokenizer.json"));
        Batch batch = Batch.Pack([.. new Corpus(Side.Training, 9).Distinct(1).Take(3).Select(example => Document.Of(example, tokenizer))]);
        using var tape = new Tape(Kernels.Cpu);
        using var optimizer = new AdamW(Kernels.Cpu, model.Parameters, new AdamWSettings());
        for (int step = 0; step < 25; step++) // away from the start, where the layers do next to nothing
        {
            model.Learn(tape, batch);
            tape.Reset();
            optimizer.Update(0.01, optimizer.GradientNorm(1), 1, 1);
        }
        model.Write(folder);
        double loss = model.Learn(tape, batch).Loss;

        using var target = Target.Load(folder);
        double expected = 0;
        for (int begin = 0, end; begin < batch.Ids.Length; begin = end)
        {
            end = Array.FindIndex(batch.Positions, begin + 1, position => position == 0) is >= 0 and var next ? next : batch.Ids.Length;
            expected += Loss(target, batch, begin, end);
        }
        // the target looks up embeddings and norms rounded to bf16, training the masters
        Assert.Equal(expected, loss, 0.02 * expected);
        Assert.InRange(expected, 0.3, 6);
        Directory.Delete(folder, true);
    }

    static double Loss(Target target, Batch batch, int begin, int end)
    {
        int count = end - begin;
        using var cache = target.NewCache(count);
        using var rows = new PassRows(count);
        using var work = new TargetWorkspace(count, count);
        rows.Add(cache.Sequences[0], batch.Ids.AsSpan(begin, count));
        target.Forward(rows, cache, work);
        float[] logits = target.Logits(work, [.. Enumerable.Range(0, count)]).ToArray();
        double loss = 0;
        for (int i = 0; i < count - 1; i++)
        {
            var row = new ArraySegment<float>(logits, i * target.Config.VocabularySize, target.Config.VocabularySize);
            loss += batch.Weights[begin + i] * (Math.Log(row.Sum(z => Math.Exp(z))) - row[batch.Labels[begin + i]]);
        }
        return loss;
    }

    [Fact]
    public void The_committed_model_answers_prompts_that_it_has_never_seen()
    {
        Example[] examples = [.. Assets.HeldOut(1).Take(45)];
        string[] answers = Aerie.Fledgling.Evaluation.Answers(Folder, examples);
        int right = examples.Zip(answers).Count(pair => pair.First.Answer == pair.Second);
        Assert.True(right >= 25, $"{right} of {examples.Length} answers are right");
    }
}
