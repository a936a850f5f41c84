// `aerie prepare`: samples that show what is supervised, and the account of a data set.
using System.Text.Json;

namespace Aerie.Cli.Tests;

public sealed class PrepareTests
{
    static readonly string Fledgling = Path.Combine(AppContext.BaseDirectory, "assets", "fledgling");
    static readonly string Conversations = Path.Combine(Fledgling, "conversations.jsonl");

    [Fact]
    public void Samples_show_what_is_supervised_without_colour_too()
    {
        var run = AerieProcess.Run("prepare", "--target", Fledgling, "--data", Conversations, "--show", "2", "--mask-semantics", "aerie,automodel", "--seq-length", "60");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("<|im_start|>assistant\u21B5\n[[You could", run.Out.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("[[<|im_start|>assistant\u21B5\nYou could", run.Out.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("(cut here: 63 of 123 tokens are beyond the sequence length)", run.Out, StringComparison.Ordinal);
        Assert.Contains("conversations.jsonl: line 7  code", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', run.Out);
    }

    [Fact]
    public void Machines_read_ids_masks_and_pieces()
    {
        var run = AerieProcess.Run("prepare", "--target", Fledgling, "--data", Conversations, "--show", "1", "--mask-semantics", "speculators", "--json");
        Assert.Equal(0, run.ExitCode);
        var mask = JsonDocument.Parse(run.Out).RootElement.GetProperty("masks")[0];
        Assert.Equal((12, 14), (mask.GetProperty("conversations").GetInt32(), mask.GetProperty("rows").GetInt32()));
        var rows = mask.GetProperty("samples")[0].GetProperty("rows");
        Assert.Equal(2, rows.GetArrayLength());                // two answers: two rows
        foreach (var row in rows.EnumerateArray())
        {
            Assert.Equal(row.GetProperty("input_ids").GetArrayLength(), row.GetProperty("loss_mask").GetArrayLength());
            Assert.Equal(row.GetProperty("input_ids").GetArrayLength(), row.GetProperty("pieces").EnumerateArray().Sum(p => p.GetProperty("tokens").GetInt32()));
        }
    }

    [Fact]
    public void The_account_says_what_is_dropped_and_how_long_the_rows_are()
    {
        using var folder = new TemporaryFolder();
        var data = folder.Write("data.jsonl", """{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Hello there."}]}""" + "\n" + """{"conversations":[{"from":"human","value":"Hi"}]}""");
        var run = AerieProcess.Run("prepare", "--target", Fledgling, "--data", data, "--mask-semantics", "specforge");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("2 read, 1 rows kept, 0 cut", run.Out, StringComparison.Ordinal);
        Assert.Contains("dropped           1: no header of an answer in the text", run.Out, StringComparison.Ordinal);
        Assert.Contains("rows by length", run.Out, StringComparison.Ordinal);
        var strict = AerieProcess.Run("prepare", "--target", Fledgling, "--data", data);
        Assert.Equal(2, strict.ExitCode);
        Assert.Contains("data.jsonl: line 2: has no assistant turn", strict.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_shows_what_its_run_would_learn()
    {
        using var folder = new TemporaryFolder();
        var recipe = folder.Write("r.yaml", $"""
            recipe: TrainEagle3Recipe
            recipe_args:
              target_model_name_or_path: {Fledgling}
              train_data_path: {Conversations}
              train_split: "train[:5]"
              output_dir: {folder.File("run")}
              seq_length: 50
              micro_batch_size: 1
              num_epochs: 1
              ttt_steps: 1
              draft_vocab_size: 30
              mask_semantics: automodel
            optimizer:
              lr: 1.0e-3
            """);
        var run = AerieProcess.Run("prepare", recipe, "--set", "recipe_args.draft_vocab_size=40", "--json");
        Assert.Equal(0, run.ExitCode);
        var mask = JsonDocument.Parse(run.Out).RootElement.GetProperty("masks")[0];
        Assert.Equal(("automodel", 5), (mask.GetProperty("semantics").GetString(), mask.GetProperty("conversations").GetInt32()));
        Assert.InRange(mask.GetProperty("draft_vocabulary_coverage").GetProperty("40").GetDouble(), 0.2, 0.99);
        Assert.True(mask.GetProperty("cut").GetInt32() > 0);
    }

    [Theory]
    [InlineData("whose tokenizer")]
    [InlineData("which data", "--target", "F")]
    [InlineData("there is no loss mask `automodle`", "--target", "F", "--data", "x", "--mask-semantics", "automodle")]
    [InlineData("--set needs a recipe", "--target", "F", "--data", "x", "--set", "a.b=c")]
    [InlineData("no chat template `quen`", "--target", "F", "--data", "x", "--specforge-template", "quen")]
    public void What_is_missing_or_wrong_is_said(string message, params string[] arguments)
    {
        var run = AerieProcess.Run(["prepare", .. arguments.Select(a => a == "F" ? Fledgling : a)]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Err, StringComparison.Ordinal);
    }
}
