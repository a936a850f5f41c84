// A recipe, run: target, data, draft vocabulary, drafter, hidden states, training loop. Every decision that the recipe leaves open is made here.
using Aerie.Capture;
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Hub;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Training;

/// <summary>What a run made.</summary>
/// <param name="Checkpoint">The folder of the last checkpoint; the run folder if checkpoints are off.</param>
/// <param name="State">Where it ended.</param>
/// <param name="Data">What became of the data.</param>
/// <param name="Parameters">Trained numbers.</param>
public sealed record RecipeResult(string Checkpoint, TrainingState State, DataReport Data, long Parameters);

/// <summary>Trains a drafter by a recipe.</summary>
public static class RecipeRun
{
    /// <summary>Runs the recipe to its end, or until cancelled (then the state is saved).</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="loaded">The target if it is loaded already; it stays the caller's.</param>
    /// <param name="say">Receives log lines.</param>
    /// <param name="progress">Receives how far it is.</param>
    /// <param name="cancellation">Asks to stop after the update.</param>
    public static RecipeResult Run(Recipe recipe, ChatTarget? loaded = null, Action<string>? say = null, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        var precision = recipe.Precision == "bf16" ? Precision.BF16 : Precision.F32;
        var conversations = Conversations(recipe);
        var target = loaded ?? ChatTarget.Load(ModelFolder.Resolve(recipe.Target, progress, cancellation: cancellation), precision);
        try
        {
            var (texts, report) = Tokenize(recipe, target, conversations);
            say?.Invoke(report.ToString());
            var folder = new RunFolder(recipe);
            var continued = recipe.Checkpoint.RestoreFrom is { } from ? folder.Find(from) : null;
            if (recipe.Checkpoint.RestoreFrom is not null && continued is null) say?.Invoke($"{recipe.Checkpoint.RestoreFrom}: no checkpoint yet, starting afresh");

            using var drafter = Drafter(recipe, target.Network, continued ?? (recipe.DraftWeights is { } weights ? ModelFolder.Resolve(weights, progress, cancellation: cancellation) : null), precision, texts, target);
            var aux = SpeculativeAux(target.Network.Config, drafter.Config);
            using var capture = new TargetCapture(target.Network, aux);
            using var trainer = new Eagle3Trainer(drafter, Settings(recipe));
            var o = recipe.Optimizer;
            using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings(o.Beta1, o.Beta2, o.Epsilon, o.WeightDecay));
            var fingerprint = TargetIdentity.Of(target.Folder);
            var state = continued is null ? null : Checkpoint.Restore(continued, drafter, optimizer, fingerprint);
            if (state is not null) say?.Invoke($"continuing from {continued}");
            folder.Begin(Gemm.Describe(), state?.Step);

            var plan = new BatchPlan(recipe.MicroBatchSize, recipe.PackedSequenceSize, recipe.Shuffle, (ulong)recipe.Seed, precision == Precision.BF16 ? DType.BF16 : DType.F32);
            using var data = new CapturedData(texts, capture, target.Network.Head, plan, progress, cancellation);
            using var validation = recipe.ValidationData is null ? null
                : new CapturedData(Tokenize(recipe, target, Read(recipe, [recipe.ValidationData], recipe.ValidationSplit)).Texts, capture, target.Network.Head, plan with { Shuffle = false }, progress, cancellation);
            var loop = new TrainingLoop(trainer, optimizer, data, Plan(recipe, fingerprint, precision), folder, validation)
            {
                Say = say,
                Report = p => progress?.Report(p),
            };
            var end = loop.Run(state, cancellation);
            return new(recipe.Checkpoint.Enabled ? folder.Find("LATEST") ?? folder.Path : folder.Path, end, report, drafter.Parameters.Where(p => p.Trainable).Sum(p => p.Value.Count));
        }
        finally
        {
            if (loaded is null) target.Dispose();
        }
    }

    /// <summary>The conversations that a run by the recipe trains on, in the form of its loss mask's rule.</summary>
    public static List<Conversation> Conversations(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return Read(recipe, recipe.TrainData, recipe.TrainSplit);
    }

    // As NeMo AutoModel: shuffled by the seed, then sliced; without a slice in the order of the file (epochs shuffle for themselves).
    static List<Conversation> Read(Recipe recipe, IEnumerable<string> paths, Split? split)
    {
        var all = ConversationReader.Read(paths, recipe.LossMask.Rule);
        if (split is null || (split.From is null && split.To is null)) return all;
        var order = all.ToArray();
        new CounterRandom((ulong)recipe.Seed, "split").Shuffle(order.AsSpan());
        var (from, to) = ((int)Math.Min(split.From ?? 0, order.Length), (int)Math.Min(split.To ?? order.Length, order.Length));
        return from < to ? [.. order[from..to]] : throw new AerieException($"the split {split} holds nothing: there are {order.Length} conversations.", "Change recipe_args.train_split or val_split.");
    }

    static (List<TokenizedConversation> Texts, DataReport Report) Tokenize(Recipe recipe, ChatTarget target, IEnumerable<Conversation> conversations)
    {
        var options = recipe.LossMask;
        return ConversationTokenizer.Tokenize(conversations, target.Tokenizer, target.Template, options with { SeqLength = Math.Min(options.SeqLength, target.Network.Config.MaxPositions) });
    }

    static IReadOnlyList<int> SpeculativeAux(TargetConfig target, Eagle3Config drafter) => Decoding.SpeculativeDecoder.CheckedAuxLayers(target, drafter);

    static Eagle3 Drafter(Recipe recipe, Target target, string? from, Precision precision, List<TokenizedConversation> texts, ChatTarget chat)
    {
        var use = new Eagle3Use(Trainable: true, TrainEmbeddings: !recipe.FreezeEmbeddings, precision);
        if (from is not null)
        {
            using var weights = Eagle3Weights.Open(from);
            return new Eagle3(weights, use, target.Embedding, target.Head);
        }
        var vocabulary = Vocabulary(recipe, target.Config, texts, chat);
        var config = Eagle3Config.For(target.Config, vocabulary.Size, recipe.AuxLayers) with
        {
            FcNorm = recipe.FcNorm,
            NormOutput = recipe.NormOutput,
            PadTokenId = chat.Tokenizer.SpecialId("pad_token"),
        };
        return new Eagle3(config, vocabulary, use, (ulong)recipe.Seed, target.Embedding, target.Head);
    }

    // The draft vocabulary: given in a file, or everything, or what the answers use most. A chosen one is written to the file, if there is to be one.
    static DraftVocabulary Vocabulary(Recipe recipe, TargetConfig target, List<TokenizedConversation> texts, ChatTarget chat)
    {
        var file = recipe.SelectedTokenIds;
        if (file is not null && File.Exists(file))
        {
            var vocabulary = DraftVocabularyFile.Read(file, target.VocabularySize);
            return recipe.DraftVocabularySize is not { } wanted || Math.Min(wanted, target.VocabularySize) == vocabulary.Size ? vocabulary
                : throw new AerieException($"{file}: holds {vocabulary.Size} tokens, the recipe wants {wanted}.", "Change draft_vocab_size, or give another selected_token_ids_path.");
        }
        if (recipe.DraftVocabularySize is not { } size || size >= target.VocabularySize) return DraftVocabulary.Full(target.VocabularySize);
        var counts = new TokenCounts(target.VocabularySize);
        foreach (var text in texts) counts.Add(text.Ids, text.LossMask);
        var chosen = DraftVocabulary.Choose(counts, size, DraftVocabularyRule.Automodel,
            [chat.Tokenizer.SpecialId("bos_token"), chat.Tokenizer.SpecialId("eos_token"), chat.Tokenizer.SpecialId("pad_token"), chat.Tokenizer.SpecialId("unk_token")]);
        if (file is not null) DraftVocabularyFile.Write(file, chosen);
        return chosen;
    }

    static Eagle3Settings Settings(Recipe recipe) => new()
    {
        TttSteps = recipe.TttSteps,
        Mask = recipe.MaskSemantics switch { "automodel" or "speculators" => MaskSemantics.AutoModel, "specforge" => MaskSemantics.SpecForge, _ => MaskSemantics.Text },
        Normalization = recipe.LossNormalization == "specforge" ? LossNormalization.SpecForge : LossNormalization.AutoModel,
        Lk = recipe.LkLossType switch { "alpha" => LkLoss.Alpha, "lambda" => LkLoss.Lambda, _ => LkLoss.None },
        LkScale = recipe.LkKlScale,
        LkDecay = recipe.LkKlDecay,
    };

    static TrainingPlan Plan(Recipe recipe, string fingerprint, Precision precision) => new()
    {
        Epochs = recipe.Epochs,
        Accumulation = recipe.GradientAccumulationSteps,
        MaxGradNorm = recipe.MaxGradNorm,
        PeakLearningRate = recipe.Optimizer.LearningRate,
        LearningRate = Schedule(recipe.Optimizer),
        LogEverySteps = recipe.LogEverySteps,
        CheckpointEverySteps = recipe.CheckpointEverySteps,
        CheckpointEveryEpoch = recipe.CheckpointEveryEpoch,
        SavedWeights = precision == Precision.BF16 ? DType.BF16 : DType.F32,
        Seed = recipe.Seed,
        Target = fingerprint,
    };

    static Func<int, int, double> Schedule(OptimizerRecipe optimizer)
    {
        LearningRateSchedule? schedule = null;
        return (step, total) => (schedule is { } known && known.TotalSteps == total ? known
            : schedule = LearningRateSchedule.AutoModel(optimizer.LearningRate, total, optimizer.WarmupRatio, optimizer.MinimumRatio)).At(step);
    }
}
