// Every key that a recipe may have, in one table: what it is, its default, its range. docs/recipes.md is written from it, and the reader
// checks by it. Names and meanings are NeMo AutoModel's, so its EAGLE-3 recipes work as they are; the keys of ours are marked.
using Aerie.Data;
using Aerie.Data.LossMasks;

namespace Aerie;

enum KeyType { Text, Path, Paths, Whole, Number, YesNo, Numbers, Wholes, Split }

/// <summary>One key of a recipe. A default of null with Required false means "not set".</summary>
sealed record RecipeKey(string Section, string Name, KeyType Type, object? Default, string About)
{
    public bool Required { get; init; }
    public bool Nullable { get; init; }
    public double Min { get; init; } = double.NegativeInfinity;
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The range does not include Min itself.</summary>
    public bool Above { get; init; }

    /// <summary>How many values a list must have.</summary>
    public int Count { get; init; }

    public string[]? Choices { get; init; }

    /// <summary>Accepted so that recipes of others work, without effect here; says why.</summary>
    public string? Ignored { get; init; }

    /// <summary>Not a key of NeMo AutoModel.</summary>
    public bool Ours { get; init; }

    public string Path => $"{Section}.{Name}";
}

/// <summary>A key of NeMo AutoModel that belongs to something this version does not do; harmless while it has one of the inert values.</summary>
sealed record ForeignKey(string Path, string Feature, params string[] Inert);

static class RecipeKeys
{
    const string Args = "recipe_args", Opt = "optimizer", Save = "checkpoint", Dist = "dist_env";

    public static readonly string[] Sections = [Dist, Args, Opt, Save];

    /// <summary>Sections of NeMo AutoModel that change how a run is carried out there, not what it computes: accepted with a remark.</summary>
    public static readonly Dictionary<string, string> IgnoredSections = new()
    {
        ["distributed"] = "this version runs in one process",
        ["wandb"] = "this version does not report to Weights & Biases; log.jsonl has the figures",
        ["compile"] = "there is nothing to compile",
    };

    public static readonly ForeignKey[] Foreign =
    [
        new("fp8", "FP8 training", "null"),
        new("peft", "LoRA", "null"),
        new($"{Args}.parallel_drafting", "P-EAGLE (parallel drafting)", "false"),
        new($"{Args}.mask_token_id", "P-EAGLE (parallel drafting)", "null"),
        new($"{Args}.num_depths", "P-EAGLE (parallel drafting)", "null", "8"),
        new($"{Args}.num_draft_layers", "drafters of several layers", "null", "1"),
        new($"{Args}.down_sample_ratio", "P-EAGLE (parallel drafting)", "null"),
        new($"{Args}.down_sample_ratio_min", "P-EAGLE (parallel drafting)", "null"),
        new($"{Args}.sequence_partitions", "P-EAGLE (parallel drafting)", "null", "1"),
        new($"{Args}.cp_zigzag", "context parallelism", "false"),
        new($"{Args}.cached_target_path", "training from a cache of hidden states", "null"),
        new($"{Args}.remote_url", "a remote target", "null"),
        new($"{Args}.remote_urls", "a remote target", "null", "[]"),
        new($"{Args}.decode_eval", "evaluation by decoding during training", "null"),
        new($"{Args}.regen", "regeneration during training", "null"),
        new($"{Args}.draft_num_hidden_layers", "EAGLE-1", "null"),
        new($"{Args}.hidden_loss_weight", "EAGLE-1", "null"),
        new($"{Args}.token_loss_weight", "EAGLE-1", "null"),
        new($"{Args}.feature_noise", "EAGLE-1", "null"),
        new($"{Save}.staging_dir", "a staging folder for checkpoints", "null"),
        new($"{Save}.best_metric_key", "a choice of the best checkpoint by another figure", "null"),
        new($"{Save}.allow_legacy_pickle_restore", "checkpoints in pickle format", "false"),
    ];

    public static readonly RecipeKey[] All =
    [
        Skip(Dist, "backend", KeyType.Text, "one process needs no process group"),
        Skip(Dist, "timeout_minutes", KeyType.Number, "one process needs no process group"),

        new(Args, "target_model_name_or_path", KeyType.Path, null, "The target: a Hugging Face folder, or `org/name[@revision]` of a hub.") { Required = true },
        new(Args, "train_data_path", KeyType.Paths, null, "Conversations to train on: a JSON or JSON Lines file, a folder of them, or a list of files.") { Required = true },
        new(Args, "val_data_path", KeyType.Path, null, "Conversations for the validation after every epoch.") { Nullable = true },
        new(Args, "train_split", KeyType.Split, null, "A part of the training data, taken after shuffling: `train[:2000]`.") { Nullable = true },
        new(Args, "val_split", KeyType.Split, null, "A part of the validation data.") { Nullable = true },
        new(Args, "output_dir", KeyType.Path, null, "The run folder; it is created.") { Required = true },
        new(Args, "seq_length", KeyType.Whole, null, "Tokens per conversation at most; longer ones are cut on the right.") { Required = true, Min = 2 },
        new(Args, "micro_batch_size", KeyType.Whole, null, "Conversations (or packed rows) per forward and backward pass.") { Required = true, Min = 1 },
        new(Args, "grad_accumulation_steps", KeyType.Whole, 1L, "Passes per update.") { Min = 1 },
        new(Args, "num_epochs", KeyType.Whole, null, "How often the data is gone through.") { Required = true, Min = 1 },
        new(Args, "ttt_steps", KeyType.Whole, null, "TTT steps: how many tokens ahead the drafter is trained to guess.") { Required = true, Min = 1, Max = 64 },
        new(Args, "draft_vocab_size", KeyType.Whole, null, "Tokens that the drafter can say; not set, or at least the target's: all of them.") { Nullable = true, Min = 1 },
        new(Args, "selected_token_ids_path", KeyType.Path, null, "A safetensors file with the draft vocabulary: read if it is there, written otherwise.") { Nullable = true },
        new(Args, "aux_layer_ids", KeyType.Wholes, null, "The three target layers whose outputs are captured, 0-based; not set: [1, n/2-1, n-4].") { Nullable = true, Min = 0, Count = 3 },
        new(Args, "fc_norm", KeyType.YesNo, false, "EAGLE-3.1: one RMSNorm per captured layer before they are fused."),
        new(Args, "norm_output", KeyType.YesNo, false, "EAGLE-3.1: the normed state feeds the next step."),
        new(Args, "freeze_embeddings", KeyType.YesNo, true, "Keep the target's token embeddings as they are."),
        new(Args, "draft_weights_path", KeyType.Path, null, "A drafter to start from: a folder, or `org/name[@revision]` of a hub.") { Nullable = true },
        new(Args, "lk_loss_type", KeyType.Text, null, "Train on acceptance instead of cross entropy.") { Nullable = true, Choices = ["alpha", "lambda"] },
        new(Args, "lk_kl_scale", KeyType.Number, 1.0, "`lambda`: the weight of cross entropy while nothing is accepted.") { Min = 0, Max = 1 },
        new(Args, "lk_kl_decay", KeyType.Number, 3.0, "`lambda`: how fast that weight falls with acceptance.") { Min = 0 },
        new(Args, "shuffle_seed", KeyType.Whole, 42L, "Seed of the data order and of the drafter's first weights.") { Min = 0 },
        new(Args, "train_shuffle", KeyType.YesNo, true, "Shuffle the training data in every epoch."),
        new(Args, "packed_sequence_size", KeyType.Whole, 0L, "Above 0: conversations are packed into rows of this many tokens.") { Min = 0 },
        new(Args, "max_grad_norm", KeyType.Number, 1.0, "Gradients are scaled down to this norm.") { Min = 0, Above = true },
        new(Args, "log_every_steps", KeyType.Whole, 10L, "Updates between two lines of the log.") { Min = 1 },
        new(Args, "ckpt_every_steps", KeyType.Whole, null, "Updates between two checkpoints; not set or 0: only at the end.") { Nullable = true },
        new(Args, "save_checkpoint_every_epoch", KeyType.YesNo, false, "A checkpoint after every epoch."),
        new(Args, "precision", KeyType.Text, "f32", "Matrix products in f32, or in bf16 with f32 sums.") { Choices = ["f32", "bf16"], Ours = true },
        new(Args, "mask_reasoning_content", KeyType.YesNo, false, "The reasoning in answers is not supervised."),
        new(Args, "mask_history", KeyType.YesNo, false, "Only the last answer of a conversation is supervised (NeMo AutoModel's ChatDataset; SpecForge: `train_only_last_turn`).") { Ours = true },
        new(Args, "mask_semantics", KeyType.Text, "aerie", "Which tokens are supervised, and which slots learn from them (docs/data.md): `aerie` wants the embedded and the predicted token to be answer text, the others do as those trainers do.") { Choices = [.. LossMaskOptions.Names.Keys], Ours = true },
        new(Args, "specforge_template", KeyType.Text, null, "`specforge`: the name of SpecForge's chat template, whose header and end of turn are looked for and whose system prompt is added; not set: told from the target's own template, nothing added.") { Nullable = true, Choices = [.. SpecForgeTemplate.Named.Keys], Ours = true },
        new(Args, "minimum_valid_tokens", KeyType.Whole, 0L, "`speculators`: rows with fewer supervised tokens are left out.") { Min = 0, Ours = true },
        new(Args, "loss_normalization", KeyType.Text, "automodel", "`automodel`: mean over supervised slots; `specforge`: sum over all slots.") { Choices = ["automodel", "specforge"], Ours = true },
        new(Args, "trust_remote_code", KeyType.YesNo, false, "Must be false: code of a model folder is never run."),
        Only("target_model_backend", "colocated", "a target in another process"),
        Skip(Args, "num_workers", KeyType.Whole, "data is prepared once, before training"),
        Skip(Args, "target_force_hf", KeyType.YesNo, "there is one implementation of the target"),
        Skip(Args, "draft_attn_implementation", KeyType.Text, "there is one implementation of attention"),
        Skip(Args, "target_attn_implementation", KeyType.Text, "there is one implementation of attention"),
        Skip(Args, "target_attn_backend", KeyType.Text, "there is one implementation of attention"),
        Skip(Args, "target_prefetch_depth", KeyType.Whole, "the target runs in this process"),
        Skip(Args, "remote_timeout", KeyType.Number, "the target runs in this process"),
        Skip(Args, "remote_max_retries", KeyType.Whole, "the target runs in this process"),
        Skip(Args, "draft_gradient_checkpointing", KeyType.YesNo, "memory is small without it"),

        new(Opt, "lr", KeyType.Number, null, "The highest learning rate.") { Required = true, Min = 0, Above = true },
        new(Opt, "betas", KeyType.Numbers, new[] { 0.9, 0.95 }, "AdamW's decay of the two moments.") { Min = 0, Max = 0.9999999, Count = 2 },
        new(Opt, "eps", KeyType.Number, 1e-8, "AdamW's epsilon.") { Min = 0, Above = true },
        new(Opt, "weight_decay", KeyType.Number, 0.0, "AdamW's decoupled weight decay.") { Min = 0 },
        new(Opt, "warmup_ratio", KeyType.Number, 0.05, "The share of all updates in which the rate rises.") { Min = 0, Max = 1 },
        new(Opt, "min_lr_ratio", KeyType.Number, 0.1, "The share of the rate that the cosine ends at.") { Min = 0, Max = 1 },

        new(Save, "enabled", KeyType.YesNo, true, "Write checkpoints."),
        new(Save, "checkpoint_dir", KeyType.Path, null, "Where; not set: `checkpoints` in the run folder.") { Nullable = true },
        new(Save, "restore_from", KeyType.Text, null, "Continue from LATEST, BEST, a checkpoint's name, or a path.") { Nullable = true },
        new(Save, "max_recent_checkpoints", KeyType.Whole, null, "How many of the newest to keep; LATEST and BEST are always kept.") { Nullable = true, Min = 1 },
        new(Save, "model_save_format", KeyType.Text, "safetensors", "Only safetensors.") { Choices = ["safetensors"] },
        Skip(Save, "save_consolidated", KeyType.Text, "a checkpoint is always one folder that loads anywhere"),
        Skip(Save, "is_async", KeyType.YesNo, "checkpoints are written between two steps"),
        Skip(Save, "v4_compatible", KeyType.YesNo, "config.json is written in both spellings"),
        Skip(Save, "single_rank_consolidation", KeyType.YesNo, "there is one process"),
        Skip(Save, "consolidation_timeout_minutes", KeyType.Number, "there is one process"),
    ];

    public static IEnumerable<string> NamesIn(string section) => All.Where(k => k.Section == section).Select(k => k.Name);

    static RecipeKey Skip(string section, string name, KeyType type, string why) => new(section, name, type, null, "Accepted, without effect.") { Nullable = true, Ignored = why };

    static RecipeKey Only(string name, string value, string feature) =>
        new(Args, name, KeyType.Text, value, $"Only `{value}`: this version does not do {feature}.") { Choices = [value] };
}
