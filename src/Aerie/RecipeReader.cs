// From the YAML tree to checked values: every key known, present where required, of its type and in its range. The first problem is
// reported with its line and column, in words that say what would be right.
using System.Globalization;
using System.Text.RegularExpressions;

namespace Aerie;

sealed partial class RecipeReader
{
    static readonly string[] KnownRecipes = ["TrainEagle3Recipe"];
    static readonly Dictionary<string, string> LaterRecipes = new()
    {
        ["TrainEagle1Recipe"] = "EAGLE-1",
        ["TrainEagle2Recipe"] = "EAGLE-2",
        ["TrainDFlashRecipe"] = "DFlash",
        ["TrainDominoRecipe"] = "Domino",
        ["TrainJetSpecRecipe"] = "JetSpec",
        ["TrainDSparkRecipe"] = "DSpark",
    };

    readonly Dictionary<string, object?> values = [];
    readonly List<string> notes = [];

    public IReadOnlyDictionary<string, object?> Values => values;

    public IReadOnlyList<string> Notes => notes;

    public RecipeReader(YamlMap root)
    {
        var top = RecipeKeys.Sections.Concat(RecipeKeys.IgnoredSections.Keys).Concat(["recipe", "fp8", "peft"]).ToList();
        foreach (var (key, value) in root.Entries)
        {
            if (key.Text == "recipe") CheckRecipe(value);
            else if (RecipeKeys.IgnoredSections.TryGetValue(key.Text, out var why)) notes.Add($"{key.Where}: `{key.Text}` has no effect: {why}");
            else if (!RecipeKeys.Sections.Contains(key.Text)) Refuse(key, value, key.Text, top, "of a recipe");
        }
        if (root.Find("recipe") is null) throw new AerieException($"{root.Where}: `recipe` is missing.", "Write `recipe: TrainEagle3Recipe` at the top.");
        foreach (var section in RecipeKeys.Sections) ReadSection(root, section);
        values["recipe"] = "TrainEagle3Recipe";
    }

    void CheckRecipe(YamlPart value)
    {
        if (value is YamlMap { Entries: [{ Key.Text: "_target_" } only] }) value = only.Value;
        if (value is not YamlScalar scalar) throw new AerieException($"{value.Where}: `recipe` must be the name of a recipe, not {RecipeYaml.Name(value)}.", $"Known: {string.Join(", ", KnownRecipes)}.");
        var name = scalar.Text[(scalar.Text.LastIndexOf('.') + 1)..];
        if (LaterRecipes.TryGetValue(name, out var what))
            throw new AerieException($"{scalar.Where}: {what} (`{name}`) is not supported by this version.", $"Known: {string.Join(", ", KnownRecipes)}.");
        if (!KnownRecipes.Contains(name)) throw new AerieException($"{scalar.Where}: unknown recipe `{RecipeYaml.Short(scalar.Text)}`.", $"Known: {string.Join(", ", KnownRecipes)}.");
    }

    void ReadSection(YamlMap root, string section)
    {
        var part = root.Find(section);
        var keys = RecipeKeys.All.Where(k => k.Section == section).ToList();
        if (part is not null && part is not YamlMap) throw new AerieException($"{part.Where}: `{section}` must be a map of keys, not {RecipeYaml.Name(part)}.", "Indent its keys below it.");
        var map = part as YamlMap;
        foreach (var (key, value) in map?.Entries ?? [])
            if (keys.All(k => k.Name != key.Text)) Refuse(key, value, $"{section}.{key.Text}", RecipeKeys.NamesIn(section), $"in {section}");
        foreach (var key in keys)
        {
            var value = map?.Find(key.Name);
            if (value is null)
            {
                if (key.Required) throw new AerieException($"{(map ?? root).Where}: `{key.Path}` is missing{(map is null ? $" (there is no section `{section}`)" : "")}.", key.About);
                values[key.Path] = key.Default;
                continue;
            }
            values[key.Path] = RecipeValue.Read(key, value);
            if (key.Ignored is not null) notes.Add($"{value.Where}: `{key.Path}` has no effect: {key.Ignored}");
        }
        if (values.GetValueOrDefault("recipe_args.trust_remote_code") is true)
            throw new AerieException($"{map!.Find("trust_remote_code")!.Where}: `trust_remote_code: true` is refused: code of a model folder is never run.", "Remove it; models of known architectures need no code.");
    }

    /// <summary>A key that is not in the table: harmless, of a feature to come, or unknown.</summary>
    void Refuse(YamlScalar key, YamlPart value, string path, IEnumerable<string> known, string place)
    {
        if (RecipeKeys.Foreign.FirstOrDefault(f => f.Path == path) is { } foreign)
        {
            var text = value switch { YamlScalar s => RecipeValue.IsNull(s) ? "null" : s.Text.ToLowerInvariant(), YamlList { Items.Count: 0 } => "[]", _ => "..." };
            if (!foreign.Inert.Append("null").Contains(text)) throw new AerieException($"{key.Where}: `{path}` belongs to {foreign.Feature}, which is not supported by this version.", "Remove the key.");
            notes.Add($"{key.Where}: `{path}` has no effect here");
            return;
        }
        throw new AerieException($"{key.Where}: unknown key `{RecipeYaml.Short(key.Text)}` {place}.", DidYouMean.Hint(key.Text, known, "docs/recipes.md lists the keys."));
    }
}

/// <summary>One value under the rules of its key.</summary>
static partial class RecipeValue
{
    public static object? Read(RecipeKey key, YamlPart part)
    {
        if (part is YamlScalar scalar && IsNull(scalar))
            return key.Nullable ? null : throw Wrong(key, part, "must have a value");
        return key.Type switch
        {
            KeyType.Whole => Whole(key, part),
            KeyType.Number => Number(key, part),
            KeyType.YesNo => YesNo(key, part),
            KeyType.Numbers => List(key, part, Number),
            KeyType.Wholes => Distinct(key, part, List(key, part, Whole)),
            KeyType.Paths => part is YamlList list ? list.Items.Count > 0 ? list.Items.Select(i => Text(key, i)).ToArray() : throw Empty(key, part) : new[] { Text(key, part) },
            KeyType.Split => SplitOf(key, part),
            _ => Text(key, part),
        };
    }

    /// <summary>NeMo's loader: YAML's own nulls, and None and none.</summary>
    public static bool IsNull(YamlScalar s) => s.Text is "None" or "none" || (s.Plain && s.Text is "" or "~" or "null" or "Null" or "NULL" && s.Plain);

    static long Whole(RecipeKey key, YamlPart part)
    {
        var text = (part as YamlScalar)?.Text ?? throw Wrong(key, part, "must be a whole number");
        if (!WholePattern().IsMatch(text)) throw Wrong(key, part, "must be a whole number");
        if (!int.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)) throw Wrong(key, part, $"must be at most {int.MaxValue}");
        InRange(key, part, value);
        return value;
    }

    static double Number(RecipeKey key, YamlPart part)
    {
        // 2e-4 is text in YAML 1.1 and a number for NeMo and for us.
        var text = (part as YamlScalar)?.Text ?? throw Wrong(key, part, "must be a number");
        if (!NumberPattern().IsMatch(text)) throw Wrong(key, part, "must be a number");
        var value = double.Parse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture);
        if (!double.IsFinite(value)) throw Wrong(key, part, "must be a finite number");
        InRange(key, part, value);
        return value;
    }

    static bool YesNo(RecipeKey key, YamlPart part) => part is not YamlScalar s ? throw Wrong(key, part, "must be true or false") : s.Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => throw Wrong(key, part, "must be true or false"),
    };

    static string Text(RecipeKey key, YamlPart part)
    {
        var scalar = part as YamlScalar ?? throw Wrong(key, part, key.Type == KeyType.Text ? "must be text" : "must be a path");
        var text = Expand(scalar);
        if (key.Type != KeyType.Text && scalar.Plain && (NumberPattern().IsMatch(text) || text is "true" or "false" or "True" or "False")) throw Wrong(key, part, "must be a path");
        if (string.IsNullOrWhiteSpace(text)) throw Empty(key, part);
        if (key.Choices is { } choices && !choices.Contains(text))
            throw new AerieException($"{part.Where}: `{key.Path}` must be {string.Join(" or ", choices)}{(key.Nullable ? " or null" : "")}, not `{RecipeYaml.Short(text)}`.", DidYouMean.Hint(text, choices, key.About));
        return text;
    }

    static Split SplitOf(RecipeKey key, YamlPart part)
    {
        var text = Text(key, part);
        var match = SplitPattern().Match(text);
        if (!match.Success) throw Wrong(key, part, "must be a name, or a name with a range: `train[:2000]`, `train[100:200]`");
        var split = new Split(match.Groups["name"].Value, Bound("from"), Bound("to"));
        return split is { From: { } from, To: { } to } && from >= to ? throw Wrong(key, part, "must not be an empty range") : split;

        long? Bound(string group) => match.Groups[group] is { Success: true, Value: { Length: > 0 and < 18 } digits } ? long.Parse(digits, CultureInfo.InvariantCulture) : null;
    }

    static T[] List<T>(RecipeKey key, YamlPart part, Func<RecipeKey, YamlPart, T> read)
    {
        var list = part as YamlList ?? throw Wrong(key, part, $"must be a list of {key.Count} numbers");
        return list.Items.Count == key.Count ? [.. list.Items.Select(item => read(key, item))] : throw new AerieException($"{part.Where}: `{key.Path}` must be a list of {key.Count} numbers, it has {list.Items.Count}.", key.About);
    }

    static long[] Distinct(RecipeKey key, YamlPart part, long[] list) => list.Distinct().Count() == list.Length ? list : throw new AerieException($"{part.Where}: `{key.Path}` names a number twice.", key.About);

    static void InRange(RecipeKey key, YamlPart part, double value)
    {
        if (value > key.Min || (value == key.Min && !key.Above)) if (value <= key.Max) return;
        var low = double.IsNegativeInfinity(key.Min) ? "" : key.Above ? $"above {key.Min}" : $"at least {key.Min}";
        var high = double.IsPositiveInfinity(key.Max) ? "" : $"at most {key.Max}";
        throw Wrong(key, part, $"must be {low}{(low != "" && high != "" ? " and " : "")}{high}");
    }

    static AerieException Empty(RecipeKey key, YamlPart part) => new($"{part.Where}: `{key.Path}` must not be empty.", key.About);

    static AerieException Wrong(RecipeKey key, YamlPart part, string rule) => new($"{part.Where}: `{key.Path}` {rule}, not {RecipeYaml.Name(part)}.", key.About);

    /// <summary>${NAME}, ${NAME,otherwise}, ${oc.env:NAME,otherwise}, $NAME: the environment, as NeMo's loader does it.</summary>
    static string Expand(YamlScalar scalar) => VariablePattern().Replace(scalar.Text, match =>
    {
        var name = match.Groups["name"].Success ? match.Groups["name"].Value : match.Groups["bare"].Value;
        var otherwise = match.Groups["otherwise"];
        return Environment.GetEnvironmentVariable(name) ?? (otherwise.Success ? otherwise.Value
            : throw new AerieException($"{scalar.Where}: the environment variable `{name}` is not set.", $"Set it, or give a default: ${{{name},value}}."));
    });

    [GeneratedRegex(@"^[+-]?(0|[1-9][0-9]*(_[0-9]+)*)$")]
    private static partial Regex WholePattern();

    [GeneratedRegex(@"^[+-]?([0-9]+(_[0-9]+)*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$")]
    private static partial Regex NumberPattern();

    [GeneratedRegex(@"^(?<name>\w+)(\[(?<from>[0-9]{0,17}):(?<to>[0-9]{0,17})\])?$")]
    private static partial Regex SplitPattern();

    [GeneratedRegex(@"\$\{(oc\.env:)?(?<name>[A-Za-z_][A-Za-z0-9_]*)\s*(,(?<otherwise>[^}]*))?\}|\$(?<bare>[A-Za-z_][A-Za-z0-9_]*)")]
    private static partial Regex VariablePattern();
}
