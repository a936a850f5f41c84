using System.Text.Json;
using Aerie.Training;

namespace Aerie.Tests.Training;

public sealed class RunFolderTests
{
    static Recipe RecipeIn(string folder, params string[] overrides) => Recipe.Parse($"""
        recipe: TrainEagle3Recipe
        recipe_args: {"{"}target_model_name_or_path: t, train_data_path: d, output_dir: "{folder}", seq_length: 8, micro_batch_size: 1, num_epochs: 1, ttt_steps: 1{"}"}
        optimizer: {"{"}lr: 1e-3{"}"}
        """, overrides: overrides);

    [Fact]
    public void The_log_line_is_the_one_of_the_guide() =>
        Assert.Equal("[epoch 0] step 20 | loss 3.4521 | grad_norm 12.84 | lr 8.00e-05 | tokens/s 2841", RunFolder.LogLine(0, 20, 3.45212, 12.8399, 8e-5, 2841.2));

    [Fact]
    public void It_explains_itself()
    {
        using var folder = Golden.Temporary();
        new RunFolder(RecipeIn(folder.File("run"))).Begin(["a kernel"], null);
        Assert.Equal("a kernel", JsonDocument.Parse(File.ReadAllText(folder.File("run/environment.json"))).RootElement.GetProperty("kernels")[0].GetString());
        Assert.Equal(8, Recipe.Load(folder.File("run/recipe.yaml")).SequenceLength);
    }

    [Fact]
    public void Checkpoints_appear_whole_with_their_pointers()
    {
        using var folder = Golden.Temporary();
        var run = new RunFolder(RecipeIn(folder.File("run")));
        Assert.Null(run.Find("LATEST"));
        var first = run.Save(0, 5, best: true, f => File.WriteAllText(Path.Combine(f, "config.json"), "{}"));
        var second = run.Save(1, 10, best: false, f => File.WriteAllText(Path.Combine(f, "config.json"), "{}"));
        Assert.Equal((second, first, first), (run.Find("LATEST"), run.Find("BEST"), run.Find("epoch_0_step_5")));
        Assert.Equal(first, RunFolder.FindDrafter(folder.File("run")));
        Assert.Equal(second, RunFolder.FindDrafter(Path.Combine(run.Checkpoints, "LATEST")));
        Assert.Throws<AerieException>(() => run.Find("epoch_9_step_9"));
        Assert.Throws<InvalidOperationException>(() => run.Save(2, 20, true, _ => throw new InvalidOperationException("in the middle")));
        Assert.Equal(second, run.Find("LATEST"));
        Assert.Equal(2, Directory.GetDirectories(run.Checkpoints).Length);
    }

    [Fact]
    public void A_new_run_does_not_write_over_another()
    {
        using var folder = Golden.Temporary();
        var run = new RunFolder(RecipeIn(folder.File("run")));
        run.Begin([], null);
        run.Save(0, 5, best: false, _ => { });
        Assert.Contains("restore_from=LATEST", Assert.Throws<AerieException>(() => run.Begin([], null)).Hint, StringComparison.Ordinal);
        run.Begin([], 5);
    }

    [Fact]
    public void Only_the_newest_are_kept_and_what_is_pointed_to()
    {
        using var folder = Golden.Temporary();
        var run = new RunFolder(RecipeIn(folder.File("run"), "checkpoint.max_recent_checkpoints=2"));
        for (var step = 1; step <= 12; step++) run.Save(0, step, best: step == 3, _ => { });
        Assert.Equal(["epoch_0_step_11", "epoch_0_step_12", "epoch_0_step_3"], Directory.GetDirectories(run.Checkpoints).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_continued_run_forgets_later_lines_and_broken_ones()
    {
        using var folder = Golden.Temporary();
        var run = new RunFolder(RecipeIn(folder.File("run")));
        run.Begin([], null);
        for (var step = 1; step <= 4; step++) run.Log(json => json.WriteNumber("step", step));
        File.AppendAllText(folder.File("run/log.jsonl"), "{\"step\": 2");
        run.Begin([], 2);
        Assert.Equal(2, File.ReadAllLines(folder.File("run/log.jsonl")).Length);
    }
}
