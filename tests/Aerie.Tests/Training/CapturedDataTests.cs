using Aerie.Capture;
using Aerie.Data;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Tests.Training;

public sealed class CapturedDataTests : IDisposable
{
    readonly Target target = Target.Load(Golden.Path("decoding", "greedy_eagle3", "target"));
    readonly TargetCapture capture;
    readonly List<TokenizedConversation> texts = [];

    public CapturedDataTests()
    {
        capture = new TargetCapture(target, [0, 1, 2]);
        var random = new Random(5);
        for (var i = 0; i < 11; i++)
        {
            var ids = Enumerable.Range(0, 3 + random.Next(20)).Select(_ => random.Next(target.Config.VocabularySize)).ToArray();
            texts.Add(new(ids, Array.ConvertAll(ids, _ => random.Next(2) == 0)));
        }
        texts.Add(new([1, 2, 3], [false, false, false]));
    }

    public void Dispose()
    {
        capture.Dispose();
        target.Dispose();
    }

    [Theory]
    [InlineData(0, DType.F32)]
    [InlineData(0, DType.BF16)]
    [InlineData(25, DType.F32)]
    public void Kept_or_captured_anew_a_batch_has_the_same_bits(int packed, DType type)
    {
        var plan = new BatchPlan(3, packed, StateType: type);
        using var kept = new CapturedData(texts, capture, target.Head, plan);
        using var anew = new CapturedData(texts, capture, target.Head, plan with { KeepBytes = 0 });
        Assert.Equal((true, false, 11), (kept.Kept, anew.Kept, kept.Texts));
        for (var epoch = 0; epoch < 2; epoch++)
            for (var i = 0; i < kept.MicroBatches(epoch); i++)
            {
                using var a = kept.Load(epoch, i);
                using var b = anew.Load(epoch, i);
                Assert.Equal(a.InputIds.ToArray(), b.InputIds.ToArray());
                Assert.Equal(a.AuxHiddenStates.ToArray(), b.AuxHiddenStates.ToArray());
                Assert.Equal(((TargetHiddenStates)a.Teacher).LastHidden.ToArray(), ((TargetHiddenStates)b.Teacher).LastHidden.ToArray());
            }
    }

    [Fact]
    public void Every_epoch_has_every_text_once_in_an_order_of_its_own()
    {
        using var data = new CapturedData(texts, capture, target.Head, new BatchPlan(2));
        using var plain = new CapturedData(texts, capture, target.Head, new BatchPlan(2, Shuffle: false));
        int[] Tokens(CapturedData from, int epoch) => [.. Enumerable.Range(0, from.MicroBatches(epoch)).SelectMany(i => { using var batch = from.Load(epoch, i); return batch.InputIds.ToArray(); })];
        Assert.Equal(texts.Take(11).SelectMany(t => t.Ids), Tokens(plain, 0));
        var (first, second) = (Tokens(data, 0), Tokens(data, 1));
        Assert.Equal(first, Tokens(data, 0));
        Assert.NotEqual(first, second);
        Assert.Equal(first.Order(), second.Order());
    }

    [Fact]
    public void Packed_rows_are_not_longer_than_asked()
    {
        using var data = new CapturedData(texts, capture, target.Head, new BatchPlan(1, 25));
        for (var i = 0; i < data.MicroBatches(0); i++)
        {
            using var batch = data.Load(0, i);
            Assert.InRange(batch.Length, 1, 25);
            Assert.Equal(batch.Length, batch.Documents![0].Sum());
        }
    }
}
