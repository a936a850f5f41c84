// A recipe's mask_semantics reaches the training: the run learns from exactly the tokens that the rule supervises.
using Aerie.Data;
using Aerie.Data.LossMasks;
using Aerie.Text;
using Aerie.Training;

namespace Aerie.Tests.Training;

public sealed class MaskRecipeTests
{
    static readonly string Fledgling = Path.GetFullPath(Golden.Path("..", "..", "assets", "fledgling"));

    [Theory]
    [InlineData("specforge", "specforge_template: qwen")]
    [InlineData("specforge", "fc_norm: true")]
    [InlineData("speculators", "minimum_valid_tokens: 20")]
    [InlineData("automodel", "mask_history: true")]
    public void A_run_learns_from_what_its_rule_supervises(string semantics, string key)
    {
        using var folder = Golden.Temporary();
        var recipe = Recipe.Parse($"""
            recipe: TrainEagle3Recipe
            recipe_args:
              target_model_name_or_path: {Fledgling}
              train_data_path: {Path.Combine(Fledgling, "conversations.jsonl")}
              output_dir: {folder.File("run")}
              seq_length: 64
              micro_batch_size: 12
              num_epochs: 1
              ttt_steps: 2
              draft_vocab_size: 512
              mask_semantics: {semantics}
              {key}
            optimizer:
              lr: 1.0e-3
            checkpoint:
              enabled: false
            """);
        var result = RecipeRun.Run(recipe);
        var format = ChatFormat.Load(Fledgling);
        var account = ConversationTokenizer.Account(ConversationReader.Read(recipe.TrainData, recipe.LossMask.Rule), format.Tokenizer, format.Template, recipe.LossMask);
        Assert.Equal(account.ToString(), result.Data.ToString());
        Assert.Equal(LossMaskOptions.Names[semantics], recipe.LossMask.Rule);
        Assert.True(result.State.Step > 0 && result.Data.Supervised > 0);
        if (key.EndsWith("qwen", StringComparison.Ordinal))
        {
            Assert.Equal(SpecForgeTemplate.Named["qwen"], recipe.LossMask.SpecForge);
            var plain = ConversationTokenizer.Account(ConversationReader.Read(recipe.TrainData), format.Tokenizer, format.Template, new(SeqLength: 64));
            Assert.True(plain.Supervised != result.Data.Supervised);   // a system prompt in front, the newline behind
        }
    }

    [Theory]
    [InlineData("specforge_template: qwen", "specforge_template")]
    [InlineData("minimum_valid_tokens: 3", "minimum_valid_tokens")]
    [InlineData("mask_semantics: specforge\n  mask_reasoning_content: true", "mask_reasoning_content")]
    [InlineData("mask_semantics: specforge\n  specforge_template: gpt-oss", "specforge_template")]
    public void Keys_without_a_meaning_are_refused(string keys, string message) => Assert.Contains(message,
        Assert.Throws<AerieException>(() => Recipe.Parse($"recipe: TrainEagle3Recipe\nrecipe_args:\n  target_model_name_or_path: t\n  train_data_path: d\n  output_dir: o\n  seq_length: 8\n  micro_batch_size: 1\n  num_epochs: 1\n  ttt_steps: 1\n  {keys}\noptimizer:\n  lr: 1e-3\n")).Message, StringComparison.Ordinal);
}
