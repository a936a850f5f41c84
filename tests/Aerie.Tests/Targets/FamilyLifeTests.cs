// The whole life of a drafter beside a random target of each family, with a real tokenizer and template: answers, training, evaluation, export. What must hold without any learning:
// every stage takes the target, and speculative answers are the plain ones.
using System.Text.Json.Nodes;
using Aerie.Drafters;
using Aerie.Tests.Decoding;

namespace Aerie.Tests.Targets;

public sealed class FamilyLifeTests
{
    static readonly string Fledgling = Path.GetFullPath(Golden.Path("..", "..", "assets", "fledgling"));

    [Theory]
    [InlineData("gemma2")]
    [InlineData("gemma3")]
    [InlineData("granite")]
    [InlineData("phi3_longrope")]
    [InlineData("qwen3_moe")]
    [InlineData("gpt_oss")]
    [InlineData("deepseek_v3")]
    [InlineData("nemotron_h")]
    public void A_drafter_lives(string family)
    {
        using var folder = new TemporaryFolder();
        var target = Directory.CreateDirectory(folder.File("target")).FullName;
        var config = JsonNode.Parse(File.ReadAllText(Golden.Path("models", family, "config.json")))!.AsObject();
        (config["vocab_size"], config["max_position_embeddings"]) = (2048, 512);
        TinyModels.WriteFolder(target, config.ToJsonString(), 5);
        foreach (var file in (string[])["tokenizer.json", "tokenizer_config.json"]) File.Copy(Path.Combine(Fledgling, file), Path.Combine(target, file));
        var prompts = folder.File("prompts.jsonl");
        File.WriteAllLines(prompts, Enumerable.Range(1, 6).Select(i => $$"""{"prompt": "What is {{i}} plus {{i * i}}?"}"""));
        var recipe = folder.File("recipe.yaml");
        File.WriteAllText(recipe, $$"""
            recipe: TrainEagle3Recipe
            recipe_args:
              target_model_name_or_path: {{target}}
              train_data_path: {{folder.File("run/answers")}}
              output_dir: {{folder.File("run/run")}}
              seq_length: 96
              micro_batch_size: 3
              num_epochs: 1
              ttt_steps: 3
              draft_vocab_size: 256
              precision: bf16
            optimizer:
              lr: 1.0e-3
            """);
        var report = Pipeline.Run(new PipelinePlan(target, prompts, prompts, folder.File("run"), _ => Recipe.Load(recipe), DraftTokens: 3, MaxNewTokens: 24));
        Assert.True(report.AnswersCompared == 6 && report.AnswersEqual == 6, $"{report.AnswersEqual} of {report.AnswersCompared} answers are equal");
        Assert.InRange(report.Overall.Tau, 1, 4);
        using var exported = Eagle3Weights.Open(folder.File("run/drafter"));
        Assert.Equal(config["hidden_size"]!.GetValue<int>(), exported.Config.TargetHiddenSize);
    }
}
