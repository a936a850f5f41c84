// Experts on disk: a matrix for each expert and product, or ("fused", some files of transformers 5.x) all experts of a layer in one tensor:
//   experts.{e}.{gate,up} [J, Z], experts.{e}.{down} [Z, J]          experts.gate_up_proj [E, 2J, Z] = gate rows, then up rows; experts.down_proj [E, Z, J]
using Aerie.Targets.Blocks;
using Aerie.Tensors;

namespace Aerie.Targets.Families;

static class ExpertTensors
{
    /// <summary>The router and gated experts of a layer.</summary>
    /// <param name="c">The config.</param>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="prefix">What the names begin with.</param>
    /// <param name="gate">Name of an expert's gate.</param>
    /// <param name="up">Name of its up projection.</param>
    /// <param name="down">Name of its down projection.</param>
    internal static ExpertWeights Gated(TargetConfig c, WeightTable weights, string prefix, string gate = "gate_proj", string up = "up_proj", string down = "down_proj")
    {
        var (e, experts) = (c.Experts!, Enumerable.Range(0, c.Experts!.Count));
        var router = weights.ExactProduct($"{prefix}gate.weight", e.Count, c.HiddenSize);
        string One(int expert, string name) => $"{prefix}experts.{expert}.{name}";
        return weights.Has($"{prefix}experts.gate_up_proj")
            ? new(router, null, null, Fused(weights, $"{prefix}experts.gate_up_proj", e.Count, 2 * e.Width, c.HiddenSize), null, Fused(weights, $"{prefix}experts.down_proj", e.Count, c.HiddenSize, e.Width), null)
            : new(router, null, null, [.. experts.Select(i => weights.Product(c.HiddenSize, (One(i, gate), e.Width), (One(i, up), e.Width)))], null,
                [.. experts.Select(i => weights.Product(e.Width, (One(i, down), c.HiddenSize)))], null);
    }

    /// <summary>The matrices [rows, cols] of a tensor [E, rows, cols].</summary>
    internal static Parameter[] Fused(WeightTable weights, string name, int count, int rows, int cols) => Each(weights, name, count, rows, cols, [count, rows, cols], values => values);

    /// <summary>Matrices [rows, cols] made of the equal parts of a tensor.</summary>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="count">Parts.</param>
    /// <param name="rows">Rows of a matrix.</param>
    /// <param name="cols">Columns of a matrix.</param>
    /// <param name="onDisk">The tensor's dimensions.</param>
    /// <param name="turn">Makes a matrix of the numbers of a part.</param>
    internal static Parameter[] Each(WeightTable weights, string name, int count, int rows, int cols, int[] onDisk, Func<float[], float[]> turn)
        => [.. Enumerable.Range(0, count).Select(e => weights.Declare($"{name}[{e}]", rows, cols, e == 0 ? [new WeightSlot(name, onDisk)] : [], () =>
        {
            var part = new float[checked(rows * cols)];
            weights.Read(name, (long)e * part.Length, part);
            return Tensor.From(turn(part), new Shape(rows, cols));
        }, true))];
}
