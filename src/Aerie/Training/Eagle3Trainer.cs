// One training step of an EAGLE-3 drafter: the test-time-training unroll (Li et al. 2025, arXiv:2503.01840), exactly, but
//   * on compacted rows (Eagle3Slots): step 0's keys everywhere, all else only at slots that still have a supervised depth;
//   * W [e ; h] = W_e e + W_h h with W_e norm(e) computed once per token and added by index at every step;
//   * the teacher only at positions that some slot learns from (TeacherRows);
//   * lm_head, loss and its gradient chunk by chunk in the forward pass: the weights of slots and steps are known from the counts.
// docs/eagle3.md has the mathematics and where each line of it is.
using Aerie.Drafters;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>Computes the loss of a batch and adds its gradients to the drafter's parameters. Not thread-safe; the kernels are parallel inside.</summary>
public sealed class Eagle3Trainer : IDisposable
{
    const long KeptBytes = 320 << 20;
    const int LogitsOfChunk = 1 << 25;
    readonly IKernels kernels;
    readonly RotaryTable rotary;
    readonly Arena arena = new();

    /// <param name="drafter">The drafter; stays the caller's.</param>
    /// <param name="settings">The objective.</param>
    /// <param name="kernels">Null: this machine's fastest.</param>
    public Eagle3Trainer(Eagle3 drafter, Eagle3Settings settings, IKernels? kernels = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.TttSteps, 1);
        (Drafter, Settings, this.kernels) = (drafter, settings, kernels ?? Kernels.Cpu);
        rotary = drafter.Config.Rope.CreateTable(drafter.Config.HeadSize);
    }

    /// <summary>The drafter.</summary>
    public Eagle3 Drafter { get; }

    /// <summary>The objective.</summary>
    public Eagle3Settings Settings { get; }

    /// <summary>Most bytes of activations that a step had in use so far.</summary>
    public long PeakActivationBytes => arena.HighWater;

    /// <summary>Called with the projected features of the keys (step -1), then for each step with the states of its slots and with what lm_head reads at the supervised ones. For parity cases.</summary>
    internal Action<string, int, Tensor, IReadOnlyList<int>>? Observe { get; set; }

    /// <summary>Forward and backward: gradients of the loss are added to those of the parameters.</summary>
    /// <exception cref="ArgumentException">The batch does not fit the drafter.</exception>
    public Eagle3StepMetrics Step(Eagle3Batch batch) => Run(batch, record: true);

    /// <summary>As NeMo AutoModel's trainer module takes it: ids, loss mask and logits shifted left by one, features and attention mask not.</summary>
    /// <param name="inputIds">[B, T].</param>
    /// <param name="attentionMask">[B, T].</param>
    /// <param name="lossMask">[B, T].</param>
    /// <param name="auxHiddenStates">[B·T, A·Ht].</param>
    /// <param name="targetLogits">[B·T, V].</param>
    public Eagle3StepMetrics Step(int[,] inputIds, bool[,] attentionMask, bool[,] lossMask, Tensor auxHiddenStates, Tensor targetLogits) => Step(new Eagle3Batch
    {
        Rows = inputIds.GetLength(0),
        Length = inputIds.GetLength(1),
        InputIds = inputIds.Cast<int>().ToArray(),
        AttentionMask = attentionMask.Cast<bool>().ToArray(),
        LossMask = lossMask.Cast<bool>().ToArray(),
        AuxHiddenStates = auxHiddenStates,
        Teacher = new TargetLogits(targetLogits),
        Frame = Eagle3Frame.Trainer,
    });

    /// <summary>The same figures without gradients.</summary>
    public Eagle3StepMetrics Evaluate(Eagle3Batch batch) => Run(batch, record: false);

    Eagle3StepMetrics Run(Eagle3Batch batch, bool record)
    {
        batch.Check(Drafter.Config.AuxWidth, Drafter.Config.VocabularySize, Drafter.Config.DraftVocabularySize);
        using var tape = new Tape(kernels, arena, record);
        var rules = new SupervisionRules(batch, Settings.Mask);
        var tally = new Eagle3Tally(batch, rules, Settings);
        var teacher = TeacherRows.Compute(tape, batch, Drafter.Vocabulary, tally.GatedSources(), Drafter.Head.Precision == Precision.BF16 ? DType.BF16 : DType.F32, Settings.Mask == MaskSemantics.SpecForge);
        var window = Settings.Windowed ? Drafter.Config.SlidingWindow : null;
        var slots = new Eagle3Slots(batch, rules, Settings.TttSteps, (t, k) => tally.Gate(t, k) && teacher.BestDraftId(rules.Source(t, k)) >= 0, window, Settings.Slack);
        if (slots.Steps.Count > 0) Unroll(tape, batch, slots, teacher, tally);
        teacher.Free(tape);                                     // every loss has its gradient
        if (record) tape.Backward();
        return tally.Metrics();
    }

    void Unroll(Tape tape, Eagle3Batch batch, Eagle3Slots slots, TeacherRows teacher, Eagle3Tally tally)
    {
        rotary.Grow(slots.PositionCount);
        var embedded = EmbeddingHalf(tape, slots.TokenIds);
        var projected = Project(tape, batch, slots.Keys);
        Observe?.Invoke("projected", -1, projected, slots.Keys);
        var (keys, normed) = AttentionRows(tape, projected, embedded, slots.KeyTokens, slots.KeyPositions);

        var (state, queries, kept) = (projected, keys, 0L);
        var chain = new List<Tensor>();
        for (var k = 0; k < slots.Steps.Count; k++)
        {
            var rows = slots.Steps[k];
            var hidden = Gather(tape, state, rows.FromPrevious);
            if (k == 0)
            {
                queries = Gather(tape, keys, rows.FromPrevious);
                if (normed is not null) normed = Gather(tape, normed, rows.FromPrevious);
            }
            else
            {
                (queries, normed) = AttentionRows(tape, hidden, embedded, rows.Tokens, rows.Positions);
                chain.Add(queries);
            }
            var chainKeys = chain.Select((tensor, i) => new ChainKeys(tensor, tape.New(rows.ChainRows[i]))).ToArray();
            var intervals = tape.New(rows.Intervals).Reshape(new Shape(rows.Slots.Length, 2));
            var attended = tape.Attention(Drafter.Heads, queries, keys, intervals, chainKeys);
            var residual = tape.LinearAdd(normed ?? hidden, attended, Drafter.AttentionOut, Drafter.AttentionOutBias);
            // What the MLPs of a long unroll keep is more than all else together: from some step on rather one product again.
            var mlp = 8L * Drafter.Config.IntermediateSize * rows.Slots.Length;
            var recompute = kept + mlp > KeptBytes;
            if (!recompute) kept += mlp;
            state = tape.GatedMlp(residual, Drafter.MlpNorm, Drafter.Config.RmsNormEps, Drafter.GateUp, Drafter.GateUpBias, Drafter.Down, Drafter.DownBias, recompute);
            if (Drafter.Config.NormOutput) state = tape.RmsNorm(state, Drafter.Norm, Drafter.Config.RmsNormEps);
            Observe?.Invoke("hidden", k, state, rows.Slots);
            Loss(tape, k, rows, state, teacher, tally);
        }
    }

    // W_e norm(e) of every token that occurs: [tokens, (n+2m)d], without bias.
    Tensor EmbeddingHalf(Tape tape, IReadOnlyList<int> tokenIds)
    {
        var e = tape.Embedding(Drafter.Embedding, tape.New([.. tokenIds]), Settings.PaddingId ?? -1);
        return tape.NormLinear(e, Drafter.EmbeddingNorm, Drafter.Config.RmsNormEps, Drafter.AttentionIn.Columns(0, Drafter.Config.HiddenSize));
    }

    // fc of the aux layers at these positions.
    Tensor Project(Tape tape, Eagle3Batch batch, int[] positions)
    {
        var (aux, config) = (batch.AuxHiddenStates, Drafter.Config);
        if (aux.DType != DType.F32)
        {
            aux = tape.New(aux.Shape);
            aux.CopyFrom(batch.AuxHiddenStates);
        }
        if (config.FcNorm)
        {
            // Chunk a of row p is row p A + a of the narrow view; fc of the concatenation is the sum of fc's column blocks.
            var chunks = aux.Reshape(new Shape(aux.Rows * config.AuxCount, config.TargetHiddenSize));
            Tensor? sum = null;
            for (var a = 0; a < config.AuxCount; a++)
            {
                var chunk = tape.GatherRows(chunks, tape.New(Array.ConvertAll(positions, p => p * config.AuxCount + a)));
                var part = tape.NormLinear(chunk, Drafter.FcNorms[a], config.RmsNormEps, Drafter.Fc.Columns(a * config.TargetHiddenSize, config.TargetHiddenSize));
                sum = sum is null ? part : tape.Add(sum, part);
            }
            return sum!;
        }
        aux = aux.Reshape(new Shape(aux.Rows, aux.Cols));
        var dense = positions.Index().All(p => p.Item == positions[0] + p.Index);
        var rows = dense ? aux.Slice(positions[0], positions.Length) : tape.GatherRows(aux, tape.New(positions));
        return Drafter.InputNorm is null ? tape.Linear(rows, Drafter.Fc) : tape.NormLinear(rows, Drafter.InputNorm, config.RmsNormEps, Drafter.Fc);
    }

    // q, k, v of rows, rotated: W_h norm(h) + bias + the embedding half of the row's token.
    (Tensor Fused, Tensor? Normed) AttentionRows(Tape tape, Tensor hidden, Tensor embedded, int[] tokens, int[] positions)
    {
        var (config, heads) = (Drafter.Config, Drafter.Heads);
        var columns = Drafter.AttentionIn.Columns(config.HiddenSize, config.HiddenSize);
        var normed = config.NormBeforeResidual ? tape.RmsNorm(hidden, Drafter.HiddenNorm, config.RmsNormEps) : null;
        var fused = normed is null ? tape.NormLinear(hidden, Drafter.HiddenNorm, config.RmsNormEps, columns, Drafter.AttentionInBias)
            : tape.Linear(normed, columns, Drafter.AttentionInBias);
        tape.AddGathered(fused, embedded, tape.New(tokens));
        tape.Rope(fused, 0, heads.Heads + heads.KeyHeads, rotary, tape.New(positions));
        return (fused, normed);
    }

    void Loss(Tape tape, int k, Eagle3StepRows rows, Tensor state, TeacherRows teacher, Eagle3Tally tally)
    {
        if (rows.Supervised.Length == 0) return;
        var normed = Drafter.Config.NormOutput || !Drafter.Config.NormedLogits ? state : tape.RmsNorm(state, Drafter.Norm, Drafter.Config.RmsNormEps);
        var read = Gather(tape, normed, rows.SupervisedRows);
        Observe?.Invoke("head", k, read, rows.Supervised);
        var teacherRows = tape.New(Array.ConvertAll(rows.Sources, teacher.RowOf));
        var acceptance = Settings.Lk == LkLoss.Lambda ? MeanAcceptance(tape, read, teacher, teacherRows) : 0;
        var (loss, weight) = tally.LossOf(k, rows.Supervised.Length, acceptance);
        var result = tape.LinearSoftCrossEntropy(read, Drafter.Head, teacher.Probabilities, teacherRows, teacher.Mass, loss, weight, ChunkRows);
        if (read != normed) tape.Discard(read);                 // its gradient is known, and norms and gathers do not need their outputs
        if (normed != state) tape.Discard(normed);
        tally.Add(k, rows, result.CrossEntropy.ToArray(), result.Acceptance.ToArray(), result.Argmax.ToInt32Array(), teacher);
    }

    // Every chunk reads and writes the head's whole gradient: few large ones.
    int ChunkRows => Math.Clamp(LogitsOfChunk / Drafter.Head.Rows / 64 * 64, 64, 1024);

    // LK lambda weighs by the mean acceptance, which must be known before the loss: the same logits, without gradient.
    double MeanAcceptance(Tape tape, Tensor read, TeacherRows teacher, Tensor teacherRows)
    {
        var look = new Tape(kernels, tape.Arena, record: false);   // same memory, which the recording tape gives back
        var rows = look.LinearSoftCrossEntropy(read, Drafter.Head, teacher.Probabilities, teacherRows, teacher.Mass, SoftLoss.Plain, 0, ChunkRows);
        return rows.Acceptance.ToArray().Sum(a => (double)a) / read.Rows;
    }

    static Tensor Gather(Tape tape, Tensor x, int[]? rows) => rows is null ? x : tape.GatherRows(x, tape.New(rows));

    /// <summary>Releases the memory of steps.</summary>
    public void Dispose()
    {
        arena.Dispose();
        rotary.Dispose();
    }
}
