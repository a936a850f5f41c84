// The YAML file of one training run: everything it may set, strict. The keys are NeMo AutoModel's (RecipeKeys has the table and the
// documentation); this record is what the program works with.
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Aerie.Data;
using Aerie.Data.LossMasks;

namespace Aerie;

/// <summary>A part of a data set: <c>name[from:to]</c>; a bound that is null is open.</summary>
public sealed record Split(string Name, long? From, long? To)
{
    /// <inheritdoc/>
    public override string ToString() => From is null && To is null ? Name : $"{Name}[{From}:{To}]";
}

/// <summary>AdamW and its schedule.</summary>
public sealed record OptimizerRecipe(double LearningRate, double Beta1, double Beta2, double Epsilon, double WeightDecay, double WarmupRatio, double MinimumRatio);

/// <summary>Where and when checkpoints are written, and which one a run continues from.</summary>
/// <param name="Enabled">Write any.</param>
/// <param name="Folder">The folder of the checkpoints.</param>
/// <param name="RestoreFrom">LATEST, BEST, a name, or a path; null: a fresh start.</param>
/// <param name="Keep">How many of the newest are kept; null: all.</param>
public sealed record CheckpointRecipe(bool Enabled, string Folder, string? RestoreFrom, int? Keep);

/// <summary>One training run. Read it with <see cref="Load"/> or <see cref="Parse"/>; both refuse whatever they do not understand.</summary>
public sealed record Recipe
{
    /// <summary>The target's folder.</summary>
    public required string Target { get; init; }

    /// <summary>Files or folders of conversations to train on.</summary>
    public required IReadOnlyList<string> TrainData { get; init; }

    /// <summary>Conversations for validation, or null.</summary>
    public string? ValidationData { get; init; }

    /// <summary>The part of the training data that is used, or null for all.</summary>
    public Split? TrainSplit { get; init; }

    /// <summary>The part of the validation data that is used, or null for all.</summary>
    public Split? ValidationSplit { get; init; }

    /// <summary>The run folder.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Tokens per conversation at most.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Conversations (or packed rows) per pass.</summary>
    public required int MicroBatchSize { get; init; }

    /// <summary>Passes per update.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>How often the data is gone through.</summary>
    public required int Epochs { get; init; }

    /// <summary>TTT steps.</summary>
    public required int TttSteps { get; init; }

    /// <summary>Size of the draft vocabulary; null: the target's.</summary>
    public int? DraftVocabularySize { get; init; }

    /// <summary>A file with the draft vocabulary, or null.</summary>
    public string? SelectedTokenIds { get; init; }

    /// <summary>The captured layers (0-based, outputs); null: [1, n/2-1, n-4].</summary>
    public IReadOnlyList<int>? AuxLayers { get; init; }

    /// <summary>EAGLE-3.1: one RMSNorm per captured layer.</summary>
    public bool FcNorm { get; init; }

    /// <summary>EAGLE-3.1: the normed state feeds the next step.</summary>
    public bool NormOutput { get; init; }

    /// <summary>The token embeddings are not trained.</summary>
    public bool FreezeEmbeddings { get; init; } = true;

    /// <summary>A drafter to start from, or null.</summary>
    public string? DraftWeights { get; init; }

    /// <summary>"alpha", "lambda", or null for cross entropy.</summary>
    public string? LkLossType { get; init; }

    /// <summary>Weight of cross entropy in the lambda loss.</summary>
    public double LkKlScale { get; init; } = 1;

    /// <summary>How fast that weight falls with acceptance.</summary>
    public double LkKlDecay { get; init; } = 3;

    /// <summary>Seed of everything random in the run.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>Shuffle in every epoch.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Tokens per packed row; 0: one conversation per row.</summary>
    public int PackedSequenceSize { get; init; }

    /// <summary>Gradients are scaled down to this norm.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>Updates between two lines of the log.</summary>
    public int LogEverySteps { get; init; } = 10;

    /// <summary>Updates between two checkpoints; null: only at the end (and after epochs if asked).</summary>
    public int? CheckpointEverySteps { get; init; }

    /// <summary>A checkpoint after every epoch.</summary>
    public bool CheckpointEveryEpoch { get; init; }

    /// <summary>"f32" or "bf16": the inputs of matrix products.</summary>
    public string Precision { get; init; } = "f32";

    /// <summary>"aerie", "automodel", "specforge", "speculators" or "generation_tags": which tokens are supervised, and which slots learn from them.</summary>
    public string MaskSemantics { get; init; } = "aerie";

    /// <summary>How conversations become tokens and loss masks.</summary>
    public required LossMaskOptions LossMask { get; init; }

    /// <summary>"automodel" or "specforge".</summary>
    public string LossNormalization { get; init; } = "automodel";

    /// <summary>AdamW and its schedule.</summary>
    public required OptimizerRecipe Optimizer { get; init; }

    /// <summary>Checkpoints.</summary>
    public required CheckpointRecipe Checkpoint { get; init; }

    /// <summary>Remarks for the user: keys that are accepted and have no effect.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The recipe with every key written out, defaults included: what a run folder keeps as recipe.yaml.</summary>
    public required string Resolved { get; init; }

    /// <summary>Reads a recipe file.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">`section.key=value` each, applied before the checks.</param>
    /// <exception cref="AerieException">The first thing that is wrong, with line and column.</exception>
    public static Recipe Load(string path, IEnumerable<string>? overrides = null) => From(RecipeYaml.ReadFile(path), overrides ?? []);

    /// <summary>Reads a recipe from text; <paramref name="name"/> is what errors call it.</summary>
    /// <inheritdoc cref="Load"/>
    public static Recipe Parse(string text, string name = "recipe", IEnumerable<string>? overrides = null) => From(RecipeYaml.Read(Encoding.UTF8.GetBytes(text), name), overrides ?? []);

    static Recipe From(YamlMap root, IEnumerable<string> overrides)
    {
        foreach (var text in overrides) Override(root, text);
        var reader = new RecipeReader(root);
        var v = reader.Values;
        var output = (string)v["recipe_args.output_dir"]!;
        var folder = v["checkpoint.checkpoint_dir"] as string ?? Path.Combine(output, "checkpoints");
        var betas = (double[])v["optimizer.betas"]!;
        var semantics = Arg<string>("mask_semantics");
        if (v["recipe_args.specforge_template"] is not null && semantics != "specforge") throw new AerieException($"{root.Where}: `specforge_template` has no meaning under mask_semantics: {semantics}.", "Leave it out, or set mask_semantics: specforge.");
        if (Arg<bool>("mask_reasoning_content") && semantics == "specforge") throw new AerieException($"{root.Where}: `mask_reasoning_content` has no meaning under mask_semantics: specforge.", "SpecForge's mask does not tell reasoning from answers. Leave it out, or use another mask.");
        if (Whole("minimum_valid_tokens") > 0 && semantics != "speculators") throw new AerieException($"{root.Where}: `minimum_valid_tokens` has no meaning under mask_semantics: {semantics}.", "Leave it out, or set mask_semantics: speculators.");
        return new Recipe
        {
            Target = Arg<string>("target_model_name_or_path"),
            TrainData = Arg<string[]>("train_data_path"),
            ValidationData = (string?)v["recipe_args.val_data_path"],
            TrainSplit = (Split?)v["recipe_args.train_split"],
            ValidationSplit = (Split?)v["recipe_args.val_split"],
            OutputFolder = output,
            SequenceLength = Whole("seq_length"),
            MicroBatchSize = Whole("micro_batch_size"),
            GradientAccumulationSteps = Whole("grad_accumulation_steps"),
            Epochs = Whole("num_epochs"),
            TttSteps = Whole("ttt_steps"),
            DraftVocabularySize = (int?)(long?)v["recipe_args.draft_vocab_size"],
            SelectedTokenIds = (string?)v["recipe_args.selected_token_ids_path"],
            AuxLayers = ((long[]?)v["recipe_args.aux_layer_ids"])?.Select(i => (int)i).ToArray(),
            FcNorm = Arg<bool>("fc_norm"),
            NormOutput = Arg<bool>("norm_output"),
            FreezeEmbeddings = Arg<bool>("freeze_embeddings"),
            DraftWeights = (string?)v["recipe_args.draft_weights_path"],
            LkLossType = (string?)v["recipe_args.lk_loss_type"],
            LkKlScale = Arg<double>("lk_kl_scale"),
            LkKlDecay = Arg<double>("lk_kl_decay"),
            Seed = Whole("shuffle_seed"),
            Shuffle = Arg<bool>("train_shuffle"),
            PackedSequenceSize = Whole("packed_sequence_size"),
            MaxGradNorm = Arg<double>("max_grad_norm"),
            LogEverySteps = Whole("log_every_steps"),
            CheckpointEverySteps = v["recipe_args.ckpt_every_steps"] is long n and > 0 ? (int)n : null,
            CheckpointEveryEpoch = Arg<bool>("save_checkpoint_every_epoch"),
            Precision = Arg<string>("precision"),
            MaskSemantics = semantics,
            LossMask = new(LossMaskOptions.Names[semantics], Whole("packed_sequence_size") is var packed and > 0 ? packed : Whole("seq_length"), Arg<bool>("mask_history"),
                Arg<bool>("mask_reasoning_content"), v["recipe_args.specforge_template"] is string name ? SpecForgeTemplate.Find(name) : null, Whole("minimum_valid_tokens")),
            LossNormalization = Arg<string>("loss_normalization"),
            Optimizer = new((double)v["optimizer.lr"]!, betas[0], betas[1], (double)v["optimizer.eps"]!, (double)v["optimizer.weight_decay"]!,
                (double)v["optimizer.warmup_ratio"]!, (double)v["optimizer.min_lr_ratio"]!),
            Checkpoint = new((bool)v["checkpoint.enabled"]!, folder, (string?)v["checkpoint.restore_from"], (int?)(long?)v["checkpoint.max_recent_checkpoints"]),
            Notes = reader.Notes,
            Resolved = Write(v),
        };

        T Arg<T>(string name) => (T)v[$"recipe_args.{name}"]!;
        int Whole(string name) => (int)Arg<long>(name);
    }

    static void Override(YamlMap root, string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var path = equals < 0 ? [] : text[..equals].Trim().Split('.');
        if (path.Length is not (1 or 2) || path.Any(p => p.Length == 0)) throw new AerieException($"--set {text}: not of the form section.key=value.", "For example --set optimizer.lr=1e-4");
        var where = $"--set {text[..equals]}";
        var value = RecipeYaml.ReadValue(text[(equals + 1)..], where);
        if (path.Length == 1)
        {
            root.Set(new(where, path[0], true), value);
            return;
        }
        if (root.Find(path[0]) is not YamlMap section) root.Set(new(where, path[0], true), section = new YamlMap(where, []));
        section.Set(new(where, path[1], true), value);
    }

    static string Write(IReadOnlyDictionary<string, object?> values)
    {
        var text = new StringBuilder("recipe: TrainEagle3Recipe\n");
        foreach (var section in RecipeKeys.Sections.Skip(1))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{section}:\n");
            foreach (var key in RecipeKeys.All.Where(k => k.Section == section && k.Ignored is null)) text.Append(CultureInfo.InvariantCulture, $"  {key.Name}: {Format(values[key.Path])}\n");
        }
        return text.ToString();
    }

    static string Format(object? value) => value switch
    {
        null => "null",
        bool b => b ? "true" : "false",
        long n => n.ToString(CultureInfo.InvariantCulture),
        double d => d.ToString("R", CultureInfo.InvariantCulture) is var s && s.AsSpan().IndexOfAny(".E") < 0 ? $"{s}.0" : s,
        string s => $"\"{JsonEncodedText.Encode(s, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"",
        Split s => $"\"{s}\"",
        Array list => $"[{string.Join(", ", list.Cast<object>().Select(Format))}]",
        _ => throw new ArgumentException($"no YAML for {value.GetType()}"),
    };
}
