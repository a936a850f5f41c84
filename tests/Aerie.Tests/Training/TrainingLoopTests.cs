using System.Text.Json;
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Tests.Training;

public sealed class TrainingLoopTests
{
    const string Target = "0123456789abcdef";

    // Micro-batches that depend on (epoch, index) alone.
    sealed class TinyData(Eagle3Config config, int count) : ITrainingData
    {
        internal int Live { get; private set; }
        internal Action<int, int, Eagle3Batch>? Loaded { get; set; }

        public int MicroBatches(int epoch) => count;

        public Eagle3Batch Load(int epoch, int index)
        {
            var tiny = new TinyRun(1000 * epoch + index);
            var made = tiny.Batch(config, 2, 12, supervised: 0.9);
            Live++;
            var batch = new Eagle3Batch
            {
                Rows = made.Rows, Length = made.Length, InputIds = made.InputIds, LossMask = made.LossMask, AttentionMask = made.AttentionMask,
                AuxHiddenStates = made.AuxHiddenStates, Teacher = made.Teacher, Owner = new Release(() => { Live--; tiny.Dispose(); }),
            };
            Loaded?.Invoke(epoch, index, batch);
            return batch;
        }
    }

    sealed class Release(Action action) : IDisposable
    {
        public void Dispose() => action();
    }

    static readonly Eagle3Config Config = TinyRun.Config();

    static TrainingPlan Plan(DType saved = DType.F32) => new()
    {
        Epochs = 3, Accumulation = 2, CheckpointEverySteps = 4, LogEverySteps = 1, SavedWeights = saved, Target = Target, PeakLearningRate = 0.01,
        LearningRate = (step, total) => 0.01 * (1 - (double)step / total),
    };

    static RunFolder Folder(string path)
    {
        Directory.CreateDirectory(path);
        return new(Recipe.Parse($"""
        recipe: TrainEagle3Recipe
        recipe_args: {"{"}target_model_name_or_path: t, train_data_path: d, output_dir: "{path}", seq_length: 8, micro_batch_size: 1, num_epochs: 3, ttt_steps: 3{"}"}
        optimizer: {"{"}lr: 1e-2{"}"}
        """));
    }

    static float[] All(Eagle3 drafter, AdamW optimizer)
        => [.. drafter.Parts.SelectMany(p => p.Of(p.Parameter.Value).ToArray()), .. optimizer.FirstMoments.Concat(optimizer.SecondMoments).SelectMany(m => m.ToArray())];

    static (float[] End, List<TrainingUpdate> Updates) Train(TinyRun tiny, TrainingPlan plan, RunFolder? folder, Action<TrainingUpdate>? updated = null,
        Action<TinyData>? prepare = null, List<string>? lines = null, bool validate = false, CancellationToken stop = default)
    {
        var drafter = tiny.Drafter(Config);
        using var trainer = new Eagle3Trainer(drafter, new Eagle3Settings { TttSteps = 3 });
        using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings(WeightDecay: 0.01));
        var data = new TinyData(Config, 5);
        prepare?.Invoke(data);
        var updates = new List<TrainingUpdate>();
        var loop = new TrainingLoop(trainer, optimizer, data, plan, folder, validate ? new TinyData(Config, 2) : null)
        {
            Say = line => lines?.Add(line),
            Updated = u => { updates.Add(u); updated?.Invoke(u); },
        };
        try
        {
            loop.Run(null, stop);
        }
        finally
        {
            Assert.Equal(0, data.Live);
        }
        return (All(drafter, optimizer), updates);
    }

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    public void A_run_that_continues_is_the_run_that_never_stopped(DType saved)
    {
        using var folder = Golden.Temporary();
        using var whole = new TinyRun(1);
        var (end, updates) = Train(whole, Plan(saved), null);
        Assert.Equal(9, updates.Count);                        // 5 micro-batches, windows of 2, 2, 1; three epochs

        // Stopped in the middle of the second epoch.
        using var stop = new CancellationTokenSource();
        using var first = new TinyRun(1);
        var run = Folder(folder.File("run"));
        Assert.Throws<OperationCanceledException>(() => Train(first, Plan(saved), run, u => { if (u.Step == 5) stop.Cancel(); }, stop: stop.Token));
        var checkpoint = run.Find("LATEST")!;
        Assert.EndsWith("epoch_1_step_5", checkpoint, StringComparison.Ordinal);
        var state = Checkpoint.ReadState(checkpoint);
        Assert.Equal((1, 4, 5, 5), (state.Epoch, state.MicroBatch, state.MicroBatches, state.Step));

        // The embedding is the target's and not in the checkpoint: the same target gives it again.
        using var second = new TinyRun(1);
        using var weights = Eagle3Weights.Open(checkpoint);
        Assert.False(weights.Has("embed_tokens.weight"));
        using var drafter = new Eagle3(weights, new Eagle3Use(true), second.Drafter(Config).Embedding);
        using var trainer = new Eagle3Trainer(drafter, new Eagle3Settings { TttSteps = 3 });
        using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings(WeightDecay: 0.01));
        var rest = new List<TrainingUpdate>();
        new TrainingLoop(trainer, optimizer, new TinyData(Config, 5), Plan(saved), run) { Updated = rest.Add }.Run(Checkpoint.Restore(checkpoint, drafter, optimizer, Target));
        Assert.Equal(updates.Skip(5).Select(u => (u.Step, u.Loss, u.GradientNorm, u.LearningRate)), rest.Select(u => (u.Step, u.Loss, u.GradientNorm, u.LearningRate)));
        Assert.Equal(end, All(drafter, optimizer));
        Assert.EndsWith("epoch_2_step_9", run.Find("LATEST"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_checkpoint_of_another_target_or_vocabulary_is_refused()
    {
        using var folder = Golden.Temporary();
        using var tiny = new TinyRun(2);
        var run = Folder(folder.File("run"));
        Train(tiny, Plan() with { Epochs = 1 }, run);
        var drafter = tiny.Drafter(Config);
        using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings());
        Assert.Contains("another target", Assert.Throws<AerieException>(() => Checkpoint.Restore(run.Find("LATEST")!, drafter, optimizer, "other")).Message, StringComparison.Ordinal);
        Assert.Contains("draft vocabulary", Assert.Throws<AerieException>(() => Checkpoint.Restore(run.Find("LATEST")!, drafter, optimizer, Target)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(run.Find("LATEST")!, "trainer_state.json"), "{\"format\":1,\"epoch\":-1}");
        Assert.Throws<AerieException>(() => Checkpoint.ReadState(run.Find("LATEST")!));
    }

    [Fact]
    public void Other_data_than_the_checkpoint_saw_are_refused()
    {
        using var tiny = new TinyRun(3);
        var drafter = tiny.Drafter(Config);
        using var trainer = new Eagle3Trainer(drafter, new Eagle3Settings { TttSteps = 3 });
        using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings());
        var loop = new TrainingLoop(trainer, optimizer, new TinyData(Config, 5), Plan());
        Assert.Throws<AerieException>(() => loop.Run(new TrainingState(0, 2, 6, 1, 9, 0.01, 0, Target, 0)));
    }

    [Fact]
    public void A_number_that_is_not_finite_stops_before_the_update_and_is_named()
    {
        using var folder = Golden.Temporary();
        using var tiny = new TinyRun(4);
        var run = Folder(folder.File("run"));
        var error = Assert.Throws<NonFiniteException>(() => Train(tiny, Plan(), run, prepare: data => data.Loaded = (epoch, index, batch) =>
        {
            if (epoch == 1 && index == 4) batch.AuxHiddenStates.CopyFrom(Enumerable.Repeat(float.NaN, (int)batch.AuxHiddenStates.Count).ToArray());
        }));
        Assert.Equal(6, error.Step);
        Assert.Contains("aux_hidden_states", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("epoch_1_step_4", run.Find("LATEST"), StringComparison.Ordinal);
        Assert.Equal(4, Checkpoint.ReadState(run.Find("LATEST")!).Step);
    }

    [Fact]
    public void Training_learns_logs_and_marks_the_best_checkpoint()
    {
        using var folder = Golden.Temporary();
        using var tiny = new TinyRun(5);
        var run = Folder(folder.File("run"));
        var lines = new List<string>();
        var (_, updates) = Train(tiny, Plan() with { Epochs = 12, CheckpointEverySteps = null }, run, lines: lines, validate: true);
        Assert.Equal(36, updates.Count);
        Assert.Contains(lines, l => l.StartsWith("[epoch 0] step 1 | loss ", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("[epoch 3] validation | loss ", StringComparison.Ordinal));
        Assert.NotNull(run.Find("BEST"));
        Assert.NotNull(run.Find("LATEST"));
        var log = File.ReadLines(Path.Combine(run.Path, "log.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal(36 + 12, log.Count);
        Assert.All(log.Where(l => !l.TryGetProperty("validation", out _)), l => Assert.True(l.GetProperty("grad_norm").GetDouble() > 0));
    }

    [Fact]
    public void The_same_batch_again_and_again_is_learnt()
    {
        using var tiny = new TinyRun(6);
        var drafter = tiny.Drafter(Config);
        using var trainer = new Eagle3Trainer(drafter, new Eagle3Settings { TttSteps = 3 });
        using var optimizer = new AdamW(Kernels.Cpu, drafter.Parameters, new AdamWSettings());
        var batch = tiny.Batch(Config, 2, 16, supervised: 0.9);
        var losses = Enumerable.Range(0, 150).Select(_ => TrainingUpdate.Run(trainer, optimizer, [batch], 0.01, 1)).ToList();
        Assert.True(losses[^1].Metrics.Accuracy > 0.9, $"{losses[0].Metrics.Accuracy} -> {losses[^1].Metrics.Accuracy}");
        Assert.True(losses[^1].Loss < losses[0].Loss - 0.3, $"{losses[0].Loss} -> {losses[^1].Loss}");
    }

    [Fact]
    public void A_checkpoint_is_a_drafter_that_servers_load_and_reads_back_the_same()
    {
        using var folder = Golden.Temporary();
        using var tiny = new TinyRun(7);
        var config = Config with { FcNorm = true, NormOutput = true, NormBeforeResidual = true, SlidingWindow = 9, PadTokenId = 3, Rope = new("llama3", 5e5, 8, 32) { LowFrequencyFactor = 1, HighFrequencyFactor = 4 } };
        var drafter = tiny.Drafter(config, new Eagle3Use(true, TrainEmbeddings: true), biases: true);
        Eagle3Writer.Write(folder.Path, drafter, DType.F32);

        var json = JsonDocument.Parse(File.ReadAllText(folder.File("config.json"))).RootElement;
        Assert.Equal(1, json.GetProperty("num_hidden_layers").GetInt32());
        Assert.Equal("LlamaForCausalLMEagle3", json.GetProperty("architectures")[0].GetString());
        Assert.Equal([1, 2], json.GetProperty("eagle_aux_hidden_state_layer_ids").EnumerateArray().Select(i => i.GetInt32()));
        Assert.Equal([0, 1], json.GetProperty("eagle_config").GetProperty("eagle_aux_hidden_state_layer_ids").EnumerateArray().Select(i => i.GetInt32()));
        using var files = SafetensorsFolder.Open(folder.Path);
        Assert.DoesNotContain(files.Names, n => n.StartsWith("model.", StringComparison.Ordinal) || n.Contains("qkv", StringComparison.Ordinal));
        Assert.Equal([8, 16], files.Get("layers.0.self_attn.q_proj.weight").Shape);

        using var weights = Eagle3Weights.Open(folder.Path);
        Assert.Equal(config with { AuxLayers = null }, weights.Config with { AuxLayers = null });
        Assert.Equal(config.AuxLayers, weights.Config.AuxLayers);
        using var again = new Eagle3(weights, new Eagle3Use(true, true));
        Assert.Equal(drafter.Vocabulary.SelectedIds.ToArray(), again.Vocabulary.SelectedIds.ToArray());
        Assert.Equal(drafter.Parts.Select(p => p.Name), again.Parts.Select(p => p.Name));
        foreach (var (a, b) in drafter.Parts.Zip(again.Parts)) Assert.Equal(a.Of(a.Parameter.Value).ToArray(), b.Of(b.Parameter.Value).ToArray());
    }
}
