using System.Text.Json;

namespace Aerie.Tests;

public sealed class RecipeTests
{
    const string Plain = """
        recipe: TrainEagle3Recipe
        recipe_args:
          target_model_name_or_path: ./target
          train_data_path: ./train.jsonl
          train_split: "train[:2000]"
          output_dir: ./out
          seq_length: 2048
          micro_batch_size: 2
          num_epochs: 2
          ttt_steps: 7
        optimizer:
          lr: 2e-4
        """;

    [Fact]
    public void A_recipe_of_NeMo_is_read_with_its_defaults()
    {
        var recipe = Recipe.Parse(Plain);
        Assert.Equal((2e-4, 0.9, 0.95, 1e-8, 0.0, 0.05, 0.1), (recipe.Optimizer.LearningRate, recipe.Optimizer.Beta1, recipe.Optimizer.Beta2, recipe.Optimizer.Epsilon,
            recipe.Optimizer.WeightDecay, recipe.Optimizer.WarmupRatio, recipe.Optimizer.MinimumRatio));
        Assert.Equal(new Split("train", null, 2000), recipe.TrainSplit);
        Assert.Equal((42, 1.0, 10, true, null), (recipe.Seed, recipe.MaxGradNorm, recipe.LogEverySteps, recipe.FreezeEmbeddings, recipe.DraftVocabularySize));
        Assert.Equal(Path.Combine("./out", "checkpoints"), recipe.Checkpoint.Folder);
        Assert.Null(recipe.AuxLayers);
    }

    [Fact]
    public void The_resolved_recipe_reads_back_to_the_same_recipe()
    {
        var recipe = Recipe.Parse(Plain, overrides: ["recipe_args.aux_layer_ids=[0, 2, 3]", "recipe_args.output_dir=a \"quoted\" path", "optimizer.betas=[0.8,0.9]"]);
        var again = Recipe.Parse(recipe.Resolved, "resolved");
        Assert.Equal(recipe.Resolved, again.Resolved);
        Assert.Equal("a \"quoted\" path", again.OutputFolder);
        Assert.Equal([0, 2, 3], again.AuxLayers!);
        Assert.Empty(again.Notes);
    }

    [Theory]
    [InlineData("  ttt_steps: 7", "  ttt_stepz: 7", "recipe:10:3: unknown key `ttt_stepz` in recipe_args.", "Did you mean `ttt_steps`?")]
    [InlineData("optimizer:", "optimiser:", "recipe:11:1: unknown key `optimiser` of a recipe.", "Did you mean `optimizer`?")]
    [InlineData("  num_epochs: 2", "  num_epochs: two", "recipe:9:15: `recipe_args.num_epochs` must be a whole number, not `two`.", null)]
    [InlineData("  num_epochs: 2", "  num_epochs: 0", "recipe:9:15: `recipe_args.num_epochs` must be at least 1, not `0`.", null)]
    [InlineData("  num_epochs: 2", "  seq_length: 2", "recipe:9:3: the key `seq_length` appears twice (first at recipe:7:3).", null)]
    [InlineData("  num_epochs: 2", "  # no epochs", "recipe:3:3: `recipe_args.num_epochs` is missing.", null)]
    [InlineData("  num_epochs: 2", "  num_epochs: 2\n  parallel_drafting: true", "recipe:10:3: `recipe_args.parallel_drafting` belongs to P-EAGLE (parallel drafting), which is not supported by this version.", null)]
    [InlineData("  num_epochs: 2", "  num_epochs: 2\n  trust_remote_code: true", "recipe:10:22: `trust_remote_code: true` is refused: code of a model folder is never run.", null)]
    [InlineData("  num_epochs: 2", "\tnum_epochs: 2", "recipe:9: a tab in the indentation.", null)]
    [InlineData("recipe: TrainEagle3Recipe", "recipe: TrainEagle1Recipe", "recipe:1:9: EAGLE-1 (`TrainEagle1Recipe`) is not supported by this version.", null)]
    [InlineData("  num_epochs: 2", "  num_epochs: 2\n  lk_loss_type: lamda", "recipe:10:17: `recipe_args.lk_loss_type` must be alpha or lambda or null, not `lamda`.", "Did you mean `lambda`?")]
    public void A_mistake_is_named_with_its_place(string line, string replacement, string message, string? hint)
    {
        var mistake = Assert.Throws<AerieException>(() => Recipe.Parse(Plain.Replace(line, replacement, StringComparison.Ordinal)));
        Assert.Equal(message, mistake.Message);
        if (hint is not null) Assert.Equal(hint, mistake.Hint);
    }

    [Theory]
    [InlineData("recipe: nemo_automodel.recipes.llm.train_eagle3.TrainEagle3Recipe")]
    [InlineData("recipe: {_target_: nemo_automodel.recipes.llm.train_eagle3.TrainEagle3Recipe}")]
    [InlineData("recipe: TrainEagle3Recipe\nwandb: {project: x}\ndistributed:\n  strategy: fsdp2\ndist_env: {backend: nccl, timeout_minutes: 30}")]
    public void What_others_write_is_accepted(string top) => Assert.Equal(7, Recipe.Parse(Plain.Replace("recipe: TrainEagle3Recipe", top, StringComparison.Ordinal)).TttSteps);

    [Fact]
    public void Accepted_keys_without_effect_are_remarked()
    {
        var recipe = Recipe.Parse(Plain, overrides: ["dist_env.backend=nccl", "recipe_args.num_workers=4"]);
        Assert.Equal(2, recipe.Notes.Count);
    }

    [Theory]
    [InlineData("optimizer.lr=fast", "--set optimizer.lr: `optimizer.lr` must be a number, not `fast`.")]
    [InlineData("optimizer.ls=1", "--set optimizer.ls: unknown key `ls` in optimizer.")]
    [InlineData("lr", "--set lr: not of the form section.key=value.")]
    public void Overrides_go_through_the_same_checks(string set, string message) =>
        Assert.Equal(message, Assert.Throws<AerieException>(() => Recipe.Parse(Plain, overrides: [set])).Message);
}
