// The Llama forward pass of the target on the engine's tape, over packed documents (Touvron et al. 2023, arXiv:2302.13971):
//   x += O attention(rope(QKV norm(x)))      x += Down(silu(Gate u) * Up u), u = norm(x)      logits = norm(x) E^T, E the embedding table
// Q, K, V and gate, up are trained as one matrix each; the file has them apart.
using Aerie.Tensors;

namespace Aerie.Fledgling;

internal sealed class FledglingModel : IDisposable
{
    sealed record Layer(Parameter InputNorm, Parameter Qkv, Parameter Output, Parameter MlpNorm, Parameter GateUp, Parameter Down);

    static readonly HeadLayout Heads = HeadLayout.Fused(FledglingShape.Heads, FledglingShape.KeyValueHeads, FledglingShape.HeadDim);

    // fused parameter -> the file's weights that lie in it one below the other
    readonly Dictionary<Parameter, Weight[]> parts = [];
    readonly RotaryTable rotary = new(RotaryTable.Default(FledglingShape.HeadDim, FledglingShape.RopeTheta), 1, FledglingShape.Context);
    readonly Parameter embedding, finalNorm;
    readonly Layer[] layers;

    /// <summary>A model at its random start.</summary>
    public FledglingModel(ulong seed)
    {
        var draw = new Draw(seed);
        var rest = new Queue<Weight>(FledglingShape.Weights());
        embedding = Take(1);
        layers = [.. Enumerable.Range(0, FledglingShape.Layers).Select(_ => new Layer(Take(1), Take(3), Take(1), Take(1), Take(2), Take(1)))];
        finalNorm = Take(1);

        Parameter Take(int count)
        {
            Weight[] weights = [.. Enumerable.Range(0, count).Select(_ => rest.Dequeue())];
            float[] values = [.. weights.SelectMany(weight => FledglingShape.Start(weight, draw))];
            Weight first = weights[0];
            Shape shape = first.Columns == 0 ? new Shape(first.Rows) : new Shape(values.Length / first.Columns, first.Columns);
            var parameter = new Parameter(first.Name, Tensor.From(values, shape), trainable: true, Precision.BF16);
            parts.Add(parameter, weights);
            return parameter;
        }
    }

    public IEnumerable<Parameter> Parameters => parts.Keys;

    /// <summary>Normed last hidden states [T, hidden] of packed rows.</summary>
    Tensor Forward(Tape tape, Tensor ids, Tensor positions, Tensor intervals)
    {
        const float Eps = (float)FledglingShape.NormEpsilon;
        Tensor x = tape.Embedding(embedding, ids); // [T, hidden]
        foreach (Layer layer in layers)
        {
            Tensor qkv = tape.NormLinear(x, layer.InputNorm, Eps, layer.Qkv); // [T, (6 + 2 + 2) 32]
            tape.Rope(qkv, Heads.QueryColumn, Heads.Heads + Heads.KeyHeads, rotary, positions); // keys lie behind the queries
            x = tape.LinearAdd(x, tape.Attention(Heads, qkv, qkv, intervals), layer.Output);
            x = tape.GatedMlp(x, layer.MlpNorm, Eps, layer.GateUp, null, layer.Down, null);
        }
        return tape.RmsNorm(x, finalNorm, Eps);
    }

    /// <summary>Forward and backward of one batch: gradients are added to the parameters. Returns the weighted loss and the number of right guesses.</summary>
    public (double Loss, int Hits) Learn(Tape tape, Batch batch)
    {
        Tensor intervals = tape.New(new Shape(batch.Ids.Length, 2), DType.I32);
        intervals.CopyFrom(batch.Intervals);
        Tensor hidden = Forward(tape, tape.New(batch.Ids), tape.New(batch.Positions), intervals);
        (double, int) result = tape.LinearCrossEntropy(hidden, embedding, tape.New(batch.Labels), tape.New(batch.Weights, new Shape(batch.Weights.Length)));
        tape.Backward();
        return result;
    }

    /// <summary>Writes model.safetensors.</summary>
    public void Write(string folder)
    {
        var values = new Dictionary<Weight, float[]>();
        foreach ((Parameter parameter, Weight[] weights) in parts)
        {
            float[] all = parameter.Value.ToArray();
            int begin = 0;
            foreach (Weight weight in weights)
            {
                values.Add(weight, all[begin..(begin + weight.Count)]);
                begin += weight.Count;
            }
        }
        FledglingShape.WriteWeights(folder, weight => values[weight]);
    }

    public void Dispose()
    {
        foreach (Parameter parameter in Parameters)
            parameter.Dispose();
        rotary.Dispose();
    }
}
