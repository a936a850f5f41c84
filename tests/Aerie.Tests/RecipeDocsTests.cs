// docs/recipes.md is written from the table in the code. AERIE_WRITE_DOCS=1 rewrites it.
using System.Globalization;
using System.Text;

namespace Aerie.Tests;

public sealed class RecipeDocsTests
{
    static readonly string Repository = Path.GetFullPath(Path.Combine(Golden.Path(), "..", ".."));

    [Fact]
    public void The_documentation_says_what_the_code_does()
    {
        var file = Path.Combine(Repository, "docs", "recipes.md");
        var wanted = Markdown();
        if (Environment.GetEnvironmentVariable("AERIE_WRITE_DOCS") == "1") File.WriteAllText(file, wanted);
        Assert.Equal(wanted, File.ReadAllText(file).ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Every_recipe_of_the_repository_is_read()
    {
        var files = Directory.GetFiles(Path.Combine(Repository, "recipes"), "*.yaml");
        Assert.True(files.Length >= 3);
        foreach (var file in files) Assert.Equal(Recipe.Load(file).Resolved, Recipe.Parse(Recipe.Load(file).Resolved).Resolved);
    }

    static string Markdown()
    {
        var text = new StringBuilder("""
            # Recipes

            A recipe is the YAML file of one training run: `aerie train recipe.yaml`. The keys are NeMo AutoModel's, so its EAGLE-3 recipes work as they are;
            ours are marked with *. Nothing is ignored silently: an unknown, repeated, missing, mistyped or out-of-range key is one error with its line.
            `--set section.key=value` (as often as needed) overrides the file through the same checks. The run folder keeps the resolved recipe, defaults written out.

            Values are those of NeMo's loader: `2e-4` is a number, `None` and `none` are null, `${NAME}` and `${NAME,otherwise}` come from the environment.
            The first line names the recipe: `recipe: TrainEagle3Recipe` (dotted names are read too).

            This page is written from `src/Aerie/RecipeKeys.cs` by a test.

            """.ReplaceLineEndings("\n"));
        foreach (var section in RecipeKeys.Sections.Skip(1))
        {
            Line($"\n## `{section}`\n\n| key | value | default | meaning |\n|---|---|---|---|");
            foreach (var key in RecipeKeys.All.Where(k => k.Section == section && k.Ignored is null))
                Line($"| `{key.Name}`{(key.Ours ? " *" : "")} | {Values(key)} | {(key.Required ? "**required**" : Default(key.Default))} | {key.About} |");
        }
        Line("\n## Accepted without effect\n\n| key | why |\n|---|---|");
        foreach (var key in RecipeKeys.All.Where(k => k.Ignored is not null)) Line($"| `{key.Path}` | {key.Ignored} |");
        foreach (var (name, why) in RecipeKeys.IgnoredSections) Line($"| `{name}` (section) | {why} |");
        Line("\n## Not supported by this version\n\nAn error that names the feature, unless the key has its value for \"off\".\n\n| key | belongs to |\n|---|---|");
        foreach (var foreign in RecipeKeys.Foreign) Line($"| `{foreign.Path}` | {foreign.Feature} |");
        return text.ToString();

        void Line(string line) => text.Append(line).Append('\n');
    }

    static string Values(RecipeKey key)
    {
        var kind = key.Choices is { } choices ? string.Join(", ", choices.Select(c => $"`{c}`")) : key.Type switch
        {
            KeyType.Whole => "whole number",
            KeyType.Number => "number",
            KeyType.YesNo => "true, false",
            KeyType.Path => "path",
            KeyType.Paths => "path or list of paths",
            KeyType.Split => "`name[from:to]`",
            KeyType.Numbers => $"{key.Count} numbers",
            KeyType.Wholes => $"{key.Count} whole numbers",
            _ => "text",
        };
        var range = (double.IsFinite(key.Min), double.IsFinite(key.Max)) switch
        {
            (true, true) => $", {key.Min.ToString(CultureInfo.InvariantCulture)} to {Math.Ceiling(key.Max).ToString(CultureInfo.InvariantCulture)}",
            (true, false) => key.Above ? $" above {key.Min}" : $" from {key.Min}",
            _ => "",
        };
        return kind + range;
    }

    static string Default(object? value) => value switch
    {
        null => "not set",
        bool b => b ? "true" : "false",
        double[] list => $"[{string.Join(", ", list.Select(v => v.ToString(CultureInfo.InvariantCulture)))}]",
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => $"{value}",
    };
}
