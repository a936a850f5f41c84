using Aerie.Capture;
using Aerie.Tensors;
using Aerie.Tests.Decoding;

namespace Aerie.Tests.Capture;

public class TargetCaptureTests
{
    [Fact]
    public void States_do_not_depend_on_chunks_or_on_the_documents_beside()
    {
        using var target = TinyModels.Target(3, Precision.BF16);
        int[][] documents = [[1, 2, 3, 4, 5], [7], [], [.. Enumerable.Range(0, 23).Select(i => i * 7 % 50)], [9, 8, 7]];
        using var capture = new TargetCapture(target, [0, 2], chunk: 8);
        using var together = capture.Capture(documents);
        using var wide = new TargetCapture(target, [0, 2], chunk: 64);
        var at = 0;
        foreach (var document in documents)
        {
            using var alone = wide.Capture([document]);
            Assert.Equal(alone.Aux.ToArray(), together.Aux.Slice(at, document.Length).ToArray());
            Assert.Equal(alone.LastHidden.ToArray(), together.LastHidden.Slice(at, document.Length).ToArray());
            at += document.Length;
        }
        using var rounded = capture.Capture(documents, DType.BF16);
        Assert.Equal(Array.ConvertAll(together.Aux.ToArray(), BFloat16.Round), rounded.Aux.ToArray());
    }
}
