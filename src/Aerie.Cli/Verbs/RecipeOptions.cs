// Options that several verbs share.
using System.CommandLine;
using Aerie.Hub;

namespace Aerie.Cli.Verbs;

static class RecipeOptions
{
    public static Option<string[]> Set() => new("--set") { Description = "Override a key of the recipe: section.key=value. May be repeated.", HelpName = "section.key=value", Arity = ArgumentArity.ZeroOrMore };

    public static Option<string> Target() => new("--target", "--model") { Description = "The target: a Hugging Face folder, or org/name[@revision] of a hub.", Required = true, HelpName = "model" };

    public static Option<int> Whole(string name, int value, string description, int least = 1)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value, HelpName = "n" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var given) && given < least) result.AddError($"{name} must be at least {least}.");
        });
        return option;
    }

    /// <summary>The folder of a model that is named by folder or id; a download shows a bar.</summary>
    public static string Local(string text, ModelParts parts = ModelParts.All, CancellationToken cancellation = default)
    {
        if (!ModelFolder.IsId(text)) return text;
        using var bar = new ProgressBar();
        return ModelFolder.Resolve(text, bar, parts, cancellation);
    }

    /// <summary>A path that must not exist yet, or be empty.</summary>
    public static void RefuseOccupied(string folder)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new AerieException($"{folder}: is there already.", "Choose a new folder with --output.");
    }
}
