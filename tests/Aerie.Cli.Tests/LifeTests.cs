// The life of a drafter through the command line, on the embedded target with little data: every verb does its part, stopped runs continue bit for bit.
using System.Diagnostics;
using System.Text.Json;

namespace Aerie.Cli.Tests;

public sealed class LifeTests
{
    static readonly string Fledgling = Path.Combine(AppContext.BaseDirectory, "assets", "fledgling");

    /// <summary>Twenty answers of the target and a recipe for them.</summary>
    static string Prepare(TemporaryFolder folder)
    {
        folder.Write("prompts.jsonl", string.Join('\n', File.ReadLines(Path.Combine(Fledgling, "prompts.jsonl")).Take(20)));
        var run = AerieProcess.Run("regenerate", "--target", Fledgling, "--input-data", folder.File("prompts.jsonl"), "--output-dir", folder.File("answers"), "--max-new-tokens", "24", "--json");
        Assert.True(run.ExitCode == 0, run.Err);
        Assert.Equal(20, JsonDocument.Parse(run.Out).RootElement.GetProperty("conversations").GetInt32());
        return folder.Write("recipe.yaml", $"""
            recipe: TrainEagle3Recipe
            recipe_args:
              target_model_name_or_path: {Fledgling}
              train_data_path: {folder.File("answers")}
              output_dir: {folder.File("run")}
              seq_length: 128
              micro_batch_size: 2
              grad_accumulation_steps: 2
              num_epochs: 4
              ttt_steps: 3
              draft_vocab_size: 512
              log_every_steps: 1
            optimizer:
              lr: 1e-3
            """);
    }

    [Fact]
    public void Train_evaluate_export_inspect()
    {
        using var folder = new TemporaryFolder();
        var recipe = Prepare(folder);
        var train = AerieProcess.Run("train", recipe, "--json");
        Assert.True(train.ExitCode == 0, train.Err);
        var checkpoint = JsonDocument.Parse(train.Out).RootElement.GetProperty("checkpoint").GetString()!;
        Assert.Equal("epoch_3_step_20", Path.GetFileName(checkpoint));
        Assert.Matches(@"(?m)^\[epoch 0\] step 1 \| loss \d+\.\d{4} \| grad_norm \d+\.\d\d \| lr \d\.\d\de[-+]\d\d \| tokens/s \d+\r?$", train.Err);
        Assert.Equal(20, File.ReadAllLines(folder.File("run/log.jsonl")).Length);
        Assert.Equal(["config.json", "model.safetensors", "optimizer.safetensors", "trainer_state.json"], Directory.GetFiles(checkpoint).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var evaluate = AerieProcess.Run("evaluate", "--target", Fledgling, "--drafter", folder.File("run"), "--data", folder.File("prompts.jsonl"), "--limit", "6", "--max-new-tokens", "16", "--output", folder.File("report"), "--json");
        Assert.True(evaluate.ExitCode == 0, evaluate.Err);
        var report = JsonDocument.Parse(evaluate.Out).RootElement;
        Assert.Equal((6, 6), (report.GetProperty("answers_compared").GetInt32(), report.GetProperty("answers_equal").GetInt32()));
        Assert.True(report.GetProperty("tau").GetDouble() >= 1);
        Assert.True(File.Exists(folder.File("report/report.svg")));

        var export = AerieProcess.Run("export", folder.File("run"), folder.File("exported"));
        Assert.True(export.ExitCode == 0, export.Err);
        var inspect = AerieProcess.Run("inspect", folder.File("exported"), "--json");
        Assert.Equal(512, JsonDocument.Parse(inspect.Out).RootElement.GetProperty("draft_vocabulary").GetInt32());
        Assert.Equal(2, AerieProcess.Run("export", folder.File("run"), folder.File("exported")).ExitCode);
        Assert.Equal(2, AerieProcess.Run("train", recipe).ExitCode);      // holds a run already
    }

    [Fact]
    public void Quickstart_on_a_target_and_data_of_ones_own()
    {
        using var folder = new TemporaryFolder();
        var data = folder.Write("data.jsonl", string.Join('\n', File.ReadLines(Path.Combine(Fledgling, "prompts.jsonl")).Take(40)));
        var run = AerieProcess.Run("quickstart", "--target", Fledgling, "--data", data, "--output", folder.File("run"), "--max-new-tokens", "24", "--set", "recipe_args.num_epochs=1", "--json");
        Assert.True(run.ExitCode == 0, run.Err);
        var report = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal((2, 2), (report.GetProperty("answers_compared").GetInt32(), report.GetProperty("answers_equal").GetInt32()));
        foreach (var name in new[] { "report.md", "report.svg", "report.json", "drafter/config.json", "drafter/model.safetensors", "run/recipe.yaml", "run/environment.json", "run/log.jsonl", "answers/shard-000000.jsonl", "heldout.jsonl" })
            Assert.True(File.Exists(folder.File($"run/{name}")), name);
        Assert.Equal(38, File.ReadLines(folder.File("run/answers/shard-000000.jsonl")).Count());
    }

    [Fact]
    public void Interrupted_and_continued_equals_never_stopped()
    {
        using var folder = new TemporaryFolder();
        var recipe = Prepare(folder);
        Assert.Equal(0, AerieProcess.Run("train", recipe, "--set", $"recipe_args.output_dir={folder.File("whole")}").ExitCode);

        using var process = AerieProcess.Start("train", recipe);
        while (process.StandardError.ReadLine() is { } line && !line.StartsWith("[epoch 0]", StringComparison.Ordinal)) { }
        Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(130, process.ExitCode);
        var name = File.ReadAllText(folder.File("run/checkpoints/LATEST")).Trim();
        Assert.NotEqual("epoch_3_step_20", name);

        var again = AerieProcess.Run("train", recipe, "--set", "checkpoint.restore_from=LATEST");
        Assert.True(again.ExitCode == 0, again.Err);
        foreach (var file in new[] { "model.safetensors", "optimizer.safetensors", "trainer_state.json", "config.json" })
            Assert.Equal(File.ReadAllBytes(folder.File($"whole/checkpoints/epoch_3_step_20/{file}")), File.ReadAllBytes(folder.File($"run/checkpoints/epoch_3_step_20/{file}")));
        Assert.Equal(Enumerable.Range(1, 20), File.ReadLines(folder.File("run/log.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("step").GetInt32()));
    }
}
