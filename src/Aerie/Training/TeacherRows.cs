// The teacher where it is needed: logits of a chunk of positions (given, or last hidden state x target head), their argmax over the whole
// vocabulary, and softmax over the draft vocabulary. Nothing of size [T, V] lives.
using Aerie.Data;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>Distributions of the positions that some slot learns from.</summary>
sealed class TeacherRows
{
    const int LogitsOfChunk = 8 << 20;
    readonly int[] rowOf;
    readonly int[] best;
    readonly bool owned;                                         // the probabilities are of the tape

    TeacherRows(Tensor probabilities, Tensor? mass, int[] rowOf, int[] best, bool owned)
        => (Probabilities, Mass, this.rowOf, this.best, this.owned) = (probabilities, mass, rowOf, best, owned);

    /// <summary>[U, Vd], f32 or bf16.</summary>
    internal Tensor Probabilities { get; }

    /// <summary>Share of the full softmax inside the draft vocabulary [U]; null: counted as 1.</summary>
    internal Tensor? Mass { get; }

    internal int RowOf(int u) => rowOf[u];

    /// <summary>The draft id of the target's own choice after position u; -1: outside the draft vocabulary, or not to be learnt from.</summary>
    internal int BestDraftId(int u) => best[u];

    internal void Free(Tape tape)
    {
        if (owned) tape.Free(Probabilities);
    }

    internal static TeacherRows Compute(Tape tape, Eagle3Batch batch, DraftVocabulary vocabulary, IReadOnlyList<int> positions, DType dtype, bool wantMass)
        => batch.Teacher is TargetProbabilities given ? Given(tape, batch, given) : FromLogits(tape, batch, vocabulary, positions, dtype, wantMass);

    static TeacherRows Given(Tape tape, Eagle3Batch batch, TargetProbabilities given)
    {
        var n = batch.Rows * batch.Length;
        var probabilities = given.Probabilities.Reshape(new Shape(n, given.Probabilities.Cols));
        var argmax = tape.New(new Shape(n), DType.I32);
        tape.Kernels.Argmax(AsF32(tape, probabilities), argmax);
        var best = argmax.ToInt32Array();
        var mask = given.PositionMask.Span;
        for (var u = 0; u < n; u++)
            if (!mask[u]) best[u] = -1;
        return new(probabilities, null, [.. Enumerable.Range(0, n)], best, owned: false);
    }

    static Tensor AsF32(Tape tape, Tensor tensor)
    {
        if (tensor.DType == DType.F32) return tensor;
        var wide = tape.New(tensor.Shape);
        wide.CopyFrom(tensor);
        return wide;
    }

    static TeacherRows FromLogits(Tape tape, Eagle3Batch batch, DraftVocabulary vocabulary, IReadOnlyList<int> positions, DType dtype, bool wantMass)
    {
        var n = batch.Rows * batch.Length;
        var (rowOf, best) = (new int[n], new int[n]);
        Array.Fill(best, -1);
        var draftId = new int[vocabulary.TargetVocabSize];
        Array.Fill(draftId, -1);
        for (var i = 0; i < vocabulary.Size; i++) draftId[vocabulary.SelectedIds[i]] = i;

        var probabilities = tape.New(new Shape(positions.Count, vocabulary.Size), dtype);
        var mass = wantMass ? tape.New(new Shape(positions.Count)) : null;
        var ids = tape.New(vocabulary.SelectedIds);
        var hidden = batch.Teacher as TargetHiddenStates;
        var source = hidden?.LastHidden ?? ((TargetLogits)batch.Teacher).Logits;
        source = AsF32(tape, source.Reshape(new Shape(n, source.Cols)));
        var chunk = Math.Clamp(LogitsOfChunk / vocabulary.TargetVocabSize, 16, 256);
        var argmax = new int[chunk];
        for (var begin = 0; begin < positions.Count; begin += chunk)
        {
            var count = Math.Min(chunk, positions.Count - begin);
            for (var i = 0; i < count; i++) argmax[i] = positions[begin + i];
            var rows = tape.New(argmax.AsSpan(0, count));
            var states = tape.New(count, source.Cols);
            tape.Kernels.GatherRows(source, rows, states, false);
            var logits = states;
            if (hidden is not null)
            {
                logits = tape.New(count, hidden.Head.Rows);
                tape.Kernels.Linear(states, hidden.Head, null, logits, false);
                hidden.Form.Apply(tape.Kernels, logits);
                tape.Free(states);
            }
            tape.Kernels.SelectedSoftmax(logits, ids, probabilities.Slice(begin, count), rows, mass?.Slice(begin, count));
            rows.CopyTo(argmax.AsSpan(0, count));
            for (var i = 0; i < count; i++)
            {
                var u = positions[begin + i];
                (rowOf[u], best[u]) = (begin + i, argmax[i] < draftId.Length ? draftId[argmax[i]] : -1);
            }
            tape.Free(logits);
            tape.Free(rows);
        }
        return new(probabilities, mass, rowOf, best, owned: true);
    }
}
