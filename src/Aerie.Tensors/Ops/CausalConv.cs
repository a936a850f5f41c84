// Depthwise causal convolution with K taps, bias and silu, of several sequences at once, each with the raw rows before it (Mamba-2, arXiv:2405.21060):
//   y_t[c] = silu( bias[c] + Σ_{j<K} taps[j][c] · x_{t-K+1+j}[c] )      zeros before the start; the last tap meets the row itself
// Columns after the convolved ones (the raw time steps) pass as they are.
namespace Aerie.Tensors;

public partial interface IKernels
{
    /// <summary>Columns [column, column + E) of x [R, ...], E = y.Cols, → y [rows of all runs, kept ones included, E], of which the first C = taps.Cols are convolved.</summary>
    /// <param name="past">[slots, K - 1 + W, E]: the K - 1 raw rows before the state's position, then the kept ones. Afterwards: as the runs leave them.</param>
    /// <param name="taps">[K, C] f32.</param>
    /// <param name="bias">[C] f32, or null.</param>
    void CausalConv(Tensor x, int column, Tensor past, ReadOnlySpan<RecurrentRun> runs, Tensor taps, Tensor? bias, Tensor y);
}

/// <summary>The rows of one sequence in a pass, for operations with a state. A state that can be rolled back stands some rows behind its text: those are kept raw and
/// run through again, before the new ones, until they settle. Settling rows one by one or many at once gives the same bits.</summary>
/// <param name="Slot">Which state.</param>
/// <param name="Begin">Its first new row among the rows of the pass.</param>
/// <param name="Count">New rows.</param>
/// <param name="Kept">Rows of earlier passes that the state does not contain yet.</param>
/// <param name="Settled">How many of the kept and new rows the state contains afterwards; the others are kept.</param>
/// <param name="At">Its first row in tensors that hold kept and new rows of all runs.</param>
public readonly record struct RecurrentRun(int Slot, int Begin, int Count, int Kept, int Settled, int At)
{
    internal int Rows => Kept + Count;

    internal static int Check(ReadOnlySpan<RecurrentRun> runs, int slots, int rows, int keep)
    {
        var at = 0;
        foreach (var run in runs)
        {
            Tensors.Check.That((uint)run.Slot < (uint)slots && run.Begin >= 0 && run.Count >= 0 && run.Begin + run.Count <= rows && run.At == at && run.Kept >= 0 && run.Kept <= keep
                && run.Settled >= 0 && run.Settled <= run.Rows && run.Rows - run.Settled <= keep, $"{run} in {rows} rows, {slots} slots that keep {keep}");
            at += run.Rows;
        }
        return at;
    }
}
