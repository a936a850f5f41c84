// What one EAGLE-3 step learns from: tokens, masks, the target's features, and its next-token distributions in one of three forms.
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>How the tensors of a batch are aligned.</summary>
public enum Eagle3Frame
{
    /// <summary>Index p of everything is about position p.</summary>
    Document,
    /// <summary>As NeMo AutoModel's trainer takes them: ids, loss mask and supervision are already shifted left by one with zeros at the end; features, attention mask and documents are not.</summary>
    Trainer,
}

/// <summary>The teacher: the target's distribution after each position.</summary>
public abstract record Eagle3Teacher
{
    private protected Eagle3Teacher() { }
}

/// <summary>Target logits [B·T, V], f32 or bf16.</summary>
public sealed record TargetLogits(Tensor Logits) : Eagle3Teacher;

/// <summary>The target's last hidden states (after its final norm) [B·T, Ht], f32 or bf16, its head [V, Ht] and what becomes of their product: logits are computed where they are needed.</summary>
public sealed record TargetHiddenStates(Tensor LastHidden, Parameter Head, LogitForm Form = default) : Eagle3Teacher;

/// <summary>Distributions over the draft vocabulary [B·T, Vd], f32 or bf16, and where they may be learnt from [B·T] (loss mask and draft vocabulary).</summary>
public sealed record TargetProbabilities(Tensor Probabilities, ReadOnlyMemory<bool> PositionMask) : Eagle3Teacher;

/// <summary>B rows of T positions; all memory is [B·T], row-major. Tensors belong to whoever made the batch; <see cref="Owner"/> is how he is told that it is used up.</summary>
public sealed class Eagle3Batch : IDisposable
{
    /// <summary>B.</summary>
    public required int Rows { get; init; }

    /// <summary>T.</summary>
    public required int Length { get; init; }

    /// <summary>Tokens.</summary>
    public required ReadOnlyMemory<int> InputIds { get; init; }

    /// <summary>Supervised text.</summary>
    public required ReadOnlyMemory<bool> LossMask { get; init; }

    /// <summary>Real tokens; empty: all are.</summary>
    public ReadOnlyMemory<bool> AttentionMask { get; init; }

    /// <summary>Target features [B·T, A·Ht], aux layers low to high, f32 or bf16.</summary>
    public required Tensor AuxHiddenStates { get; init; }

    /// <summary>The teacher.</summary>
    public required Eagle3Teacher Teacher { get; init; }

    /// <summary>Positions for RoPE; empty: 0, 1, 2 ... in every row (in every document, where there are documents).</summary>
    public ReadOnlyMemory<int> PositionIds { get; init; }

    /// <summary>Packed rows: the lengths of each row's documents, in order; what follows the last belongs to no document. Null: a row is a document.</summary>
    public IReadOnlyList<int[]>? Documents { get; init; }

    /// <summary>Packed rows: real tokens after this one in its document; empty: told by <see cref="Documents"/>.</summary>
    public ReadOnlyMemory<int> DocumentRemaining { get; init; }

    /// <summary>Alignment.</summary>
    public Eagle3Frame Frame { get; init; }

    /// <summary>Disposed with the batch: holds the memory of its tensors. Null: somebody else cares.</summary>
    public IDisposable? Owner { get; init; }

    /// <summary>Real tokens.</summary>
    public int Tokens => !AttentionMask.IsEmpty ? AttentionMask.Span.Count(true) : Documents?.Sum(d => d.Sum()) ?? Rows * Length;

    /// <summary>Gives the tensors back.</summary>
    public void Dispose() => Owner?.Dispose();

    internal void Check(int auxWidth, int vocabulary, int draftVocabulary)
    {
        var n = checked(Rows * Length);
        if (Rows < 1 || Length < 1) throw Wrong($"{Rows} rows of {Length}");
        foreach (var (name, count) in ((string, int)[])[(nameof(InputIds), InputIds.Length), (nameof(LossMask), LossMask.Length)])
            if (count != n) throw Wrong($"{name} has {count} values");
        foreach (var (name, count) in ((string, int)[])[(nameof(AttentionMask), AttentionMask.Length), (nameof(PositionIds), PositionIds.Length), (nameof(DocumentRemaining), DocumentRemaining.Length)])
            if (count != n && count != 0) throw Wrong($"{name} has {count} values");
        foreach (var position in PositionIds.Span)
            if ((uint)position > 1 << 24) throw Wrong($"position {position}");
        foreach (var id in InputIds.Span)
            if ((uint)id >= (uint)vocabulary) throw Wrong($"token {id} is outside the vocabulary of {vocabulary}");
        if (AuxHiddenStates.Rows != n || AuxHiddenStates.Cols != auxWidth) throw Wrong($"{nameof(AuxHiddenStates)} is {AuxHiddenStates.Shape}, the drafter reads rows of {auxWidth}");
        var (teacher, cols) = Teacher switch
        {
            TargetLogits t => (t.Logits, vocabulary),
            TargetHiddenStates t => (t.LastHidden, t.Head.Cols),
            TargetProbabilities t => (t.Probabilities, draftVocabulary),
            _ => throw Wrong("no teacher"),
        };
        if (teacher.Rows != n || teacher.Cols != cols) throw Wrong($"the teacher is {teacher.Shape}, not [{n}, {cols}]");
        if (Teacher is TargetHiddenStates { Head: var head } && head.Rows < vocabulary) throw Wrong($"the teacher's head {head.Value} has less than {vocabulary} rows");
        if (Teacher is TargetProbabilities { PositionMask.Length: var masks } && masks != n) throw Wrong($"the position mask has {masks} values");
        if (Documents is not null && (Documents.Count != Rows || Documents.Any(d => d.Any(l => l < 0) || d.Sum() > Length))) throw Wrong("documents do not fit the rows");

        ArgumentException Wrong(string what) => new($"a batch of {Rows} x {Length}: {what}");
    }
}
