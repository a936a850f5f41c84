// Random tiny targets and drafters: nothing is trained, so guesses are mostly wrong, and every number depends on every weight.
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Decoding;

static class TinyModels
{
    internal static Llama Target(ulong seed, Precision precision, int layers = 3)
    {
        var config = new TargetConfig
        {
            Path = "random", Layers = layers, HiddenSize = 48, IntermediateSize = 80, Heads = 6, KeyValueHeads = 2, HeadSize = 8, VocabularySize = 50, MaxPositions = 256,
            RmsNormEps = 1e-5f, Rope = new RopeConfig("default", 1e4),
        };
        var dtype = precision == Precision.BF16 ? DType.BF16 : DType.F32;
        var drawn = 0;
        Parameter Matrix(int rows, int cols, float deviation = 0.3f)
        {
            using var values = Tensor.Allocate(new Shape(rows, cols));
            new CounterRandom(seed, $"tiny {drawn++}").FillNormal(values, deviation);
            var tensor = Tensor.Allocate(values.Shape, dtype);
            tensor.CopyFrom(values);
            return new Parameter($"tiny {drawn}", tensor, precision: precision);
        }
        Parameter Ones(int n) => new("norm", Tensor.From(Enumerable.Repeat(1f, n).ToArray(), new Shape(n)));
        var (h, width) = (config.HiddenSize, (config.Heads + 2 * config.KeyValueHeads) * config.HeadSize);
        var all = Enumerable.Range(0, layers).Select(_ => new LlamaLayer(Ones(h), Matrix(width, h), null, Matrix(h, config.Heads * config.HeadSize), null,
            Ones(h), Matrix(2 * config.IntermediateSize, h), null, Matrix(h, config.IntermediateSize), null)).ToArray();
        return new Llama(config, new LlamaWeights(Matrix(config.VocabularySize, h, 1), all, Ones(h), Matrix(config.VocabularySize, h)));
    }

    internal static Eagle3 Drafter(Llama target, ulong seed, Precision precision)
    {
        var config = new Eagle3Config
        {
            HiddenSize = target.Config.HiddenSize, TargetHiddenSize = target.Config.HiddenSize, IntermediateSize = 64, Heads = 6, KeyValueHeads = 3, HeadSize = 8,
            VocabularySize = target.Config.VocabularySize, DraftVocabularySize = target.Config.VocabularySize, MaxPositions = 128, RmsNormEps = 1e-5f, Rope = new RopeConfig("default", 1e4), AuxLayers = [0, 1, 2],
        };
        return new Eagle3(config, DraftVocabulary.Full(config.VocabularySize), new Eagle3Use(false, false, precision), seed, target.Embedding, target.Head, deviation: 0.2f);
    }
}
