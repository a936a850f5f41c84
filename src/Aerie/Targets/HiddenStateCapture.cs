// Which layers' outputs a pass keeps, and where: chunk j of a row [layer_0 | layer_1 | ...], low layers first, is what a drafter fuses.
using Aerie.Tensors;

namespace Aerie.Targets;

/// <summary>Copies the outputs of chosen layers into one tensor [rows, layers · H], f32 or bf16, during a pass.</summary>
public sealed class HiddenStateCapture
{
    readonly int[] layers;

    /// <param name="layers">0-based layers whose output is kept, ascending; -1 is the embedding's output, the number of layers the state after the final norm.</param>
    public HiddenStateCapture(params ReadOnlySpan<int> layers)
    {
        this.layers = layers.ToArray();
        for (var i = 1; i < layers.Length; i++)
            if (layers[i] <= layers[i - 1]) throw new ArgumentException($"aux layers must ascend: {string.Join(", ", this.layers)}");
    }

    /// <summary>The layers.</summary>
    public IReadOnlyList<int> Layers => layers;

    /// <summary>Where row r of the next pass goes: row r of this tensor.</summary>
    public Tensor? Into { get; set; }

    internal bool Wants(int layer) => Into is not null && Array.IndexOf(layers, layer) >= 0;

    internal void Take(IKernels kernels, int layer, Tensor residual)
    {
        var chunk = Array.IndexOf(layers, layer);
        if (chunk < 0 || Into is null) return;
        kernels.CopyColumns(residual, 0, residual.Cols, Into, chunk * residual.Cols, null);
    }
}
