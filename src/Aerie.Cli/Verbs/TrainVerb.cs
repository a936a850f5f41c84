// `aerie train RECIPE`: trains a drafter. Hyperparameters live in the recipe; --set overrides them.
using System.CommandLine;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class TrainVerb
{
    static readonly Argument<string> RecipeFile = new("RECIPE") { Description = "The recipe, a YAML file. Keys: docs/recipes.md." };
    static readonly Option<string[]> Set = RecipeOptions.Set();
    static readonly Option<bool> DryRun = new("--dry-run") { Description = "Print the resolved recipe and stop." };

    public static Command Create() => new Verb("train", "Train a drafter by a recipe.", "aerie train recipes/tiny-cpu.yaml --set optimizer.lr=5e-4") { RecipeFile, Set, DryRun }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var recipe = Recipe.Load(parsed.GetValue(RecipeFile)!, parsed.GetValue(Set));
        foreach (var note in recipe.Notes) screen.Note($"note: {note}");
        if (parsed.GetValue(DryRun))
        {
            Console.Out.Write(recipe.Resolved);
            return ExitCode.Done;
        }
        RecipeResult result;
        using (var bar = new ProgressBar()) result = RecipeRun.Run(recipe, null, bar.Say, bar, cancellation);
        if (screen.Json)
            screen.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("checkpoint", result.Checkpoint);
                json.WriteNumber("steps", result.State.Step);
                json.WriteNumber("parameters", result.Parameters);
                json.WriteNumber("conversations", result.Data.Read);
                json.WriteNumber("tokens", result.Data.Tokens);
                json.WriteNumber("supervised_tokens", result.Data.Supervised);
                json.WriteEndObject();
            });
        else screen.Line($"trained in {result.State.Step} updates: {result.Checkpoint}");
        return ExitCode.Done;
    }
}
