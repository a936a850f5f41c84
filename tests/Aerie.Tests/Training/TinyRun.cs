// Small random drafters and batches for tests of training.
using Aerie.Data;
using Aerie.Drafters;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Tests.Training;

/// <summary>Random things from a seed. Owner of what it makes.</summary>
sealed class TinyRun : IDisposable
{
    readonly Random random;
    readonly List<IDisposable> owned = [];

    internal TinyRun(int seed) => random = new Random(seed);

    internal bool Coin(double p = 0.5) => random.NextDouble() < p;

    internal int Below(int n) => random.Next(n);

    internal Tensor Normal(int rows, int cols, float deviation = 1)
    {
        var tensor = Tensor.From([.. Enumerable.Range(0, rows * cols).Select(_ => deviation * (float)Gauss())], new Shape(rows, cols));
        owned.Add(tensor);
        return tensor;
    }

    internal double Gauss() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    internal T Own<T>(T thing) where T : IDisposable
    {
        owned.Add(thing);
        return thing;
    }

    internal static Eagle3Config Config(int vocabulary = 24, int draftVocabulary = 16) => new()
    {
        HiddenSize = 8, TargetHiddenSize = 8, IntermediateSize = 12, Heads = 2, KeyValueHeads = 1, HeadSize = 4, VocabularySize = vocabulary,
        DraftVocabularySize = draftVocabulary, MaxPositions = 64, RmsNormEps = 1e-5f, Rope = new RopeConfig("default", 10000), AuxCount = 2, AuxLayers = [0, 1],
    };

    internal Eagle3 Drafter(Eagle3Config config, Eagle3Use? use = null, bool biases = false)
    {
        var ids = Enumerable.Range(0, config.VocabularySize).OrderBy(_ => random.Next()).Take(config.DraftVocabularySize).ToArray();
        var vocabulary = DraftVocabulary.FromD2T([.. ids.Select((id, i) => (long)id - i)], config.VocabularySize);
        var embedding = Own(new Parameter("target.embed_tokens", Normal(config.VocabularySize, config.HiddenSize)));
        var drafter = Own(new Eagle3(config, vocabulary, use ?? new Eagle3Use(true), 7, embedding, deviation: 0.4f, attentionBias: biases, mlpBias: biases));
        foreach (var part in drafter.Parts.Where(p => p.Parameter.Value.Shape.Rank == 1))
            part.Of(part.Parameter.Value).CopyFrom(Enumerable.Range(0, part.Count).Select(_ => (float)(part.Name.EndsWith("bias", StringComparison.Ordinal) ? 0.3 * Gauss() : 1 + 0.2 * Gauss())).ToArray());
        return drafter;
    }

    /// <summary>Rows of text with a random mask; real tokens all, padded on a side, or with gaps.</summary>
    internal Eagle3Batch Batch(Eagle3Config config, int rows, int length, Eagle3Frame frame = Eagle3Frame.Document, bool packed = false, int teacher = 0, double? supervised = null)
    {
        var n = rows * length;
        var density = supervised ?? random.NextDouble();
        var mask = Enumerable.Range(0, n).Select(_ => Coin(density)).ToArray();
        var real = new bool[n];
        Array.Fill(real, true);
        var padding = packed ? 3 : Below(4);
        for (var row = 0; row < rows; row++)
        {
            var cut = Below(length);
            for (var i = 0; i < length; i++)
            {
                var hidden = padding switch { 0 => i >= length - cut, 1 => i < cut, 2 => Coin(0.2), _ => false };
                if (hidden) real[row * length + i] = false;
                if (hidden && padding != 2) mask[row * length + i] = false;
                if (frame == Eagle3Frame.Trainer && i == length - 1) mask[row * length + i] = false;
            }
        }
        Eagle3Teacher taught = teacher switch
        {
            0 => new TargetLogits(Normal(n, config.VocabularySize, 2)),
            1 => new TargetHiddenStates(Normal(n, config.TargetHiddenSize), Own(new Parameter("head", Normal(config.VocabularySize, config.TargetHiddenSize)))),
            _ => Probabilities(n, config.DraftVocabularySize, mask),
        };
        return new Eagle3Batch
        {
            Rows = rows, Length = length, Frame = frame, LossMask = mask, AttentionMask = real, Teacher = taught,
            InputIds = Enumerable.Range(0, n).Select(_ => Below(config.VocabularySize)).ToArray(),
            AuxHiddenStates = Normal(n, config.AuxWidth),
            Documents = packed ? [.. Enumerable.Range(0, rows).Select(_ => Cut(length))] : null,
        };
    }

    TargetProbabilities Probabilities(int n, int width, bool[] mask)
    {
        using var z = Tensor.From([.. Enumerable.Range(0, n * width).Select(_ => (float)(2 * Gauss()))], new Shape(n, width));
        var values = z.ToArray().Chunk(width).SelectMany(row => row.Select(v => MathF.Exp(v) / row.Sum(MathF.Exp))).ToArray();
        return new(Own(Tensor.From(values, new Shape(n, width))), Array.ConvertAll(mask, m => m && Coin(0.8)));
    }

    int[] Cut(int length)
    {
        var lengths = new List<int>();
        for (var left = length; left > 0 && (lengths.Count == 0 || Coin(0.9)); left -= lengths[^1]) lengths.Add(1 + Below(left));
        return [.. lengths];
    }

    public void Dispose()
    {
        for (var i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
    }
}
