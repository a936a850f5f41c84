using Aerie.Decoding;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tensors.Cpu;

namespace Aerie.Tests.Decoding;

[Collection("instruction sets")]   // one at a time: the instruction set is the process's
public class LosslessTests
{
    public static TheoryData<Isa> InstructionSets => [.. CpuFeatures.Available];

    [Theory, MemberData(nameof(InstructionSets))]
    public void Speculative_text_is_plain_text_for_one_to_eight_guesses(Isa isa) => With(isa, () =>
    {
        foreach (var precision in (Precision[])[Precision.BF16, Precision.F32])
        {
            using var target = TinyModels.Target(5, precision);
            using var drafter = TinyModels.Drafter(target, 6, precision);
            DecodingRequest[] requests = [.. Enumerable.Range(1, 4).Select(n => new DecodingRequest([.. Enumerable.Range(0, 3 * n).Select(i => (i * 17 + n) % 50)], 40, [3]))];
            using var plain = new GreedyDecoder(target, sequences: 2, chunk: 8);
            var expected = plain.Decode(requests);
            for (var guesses = 1; guesses <= 8; guesses++)
            {
                using var decoder = new SpeculativeDecoder(target, drafter, guesses, sequences: 1 + guesses % 3, chunk: 8, leastConfidence: guesses % 2 * 0.03);
                var texts = decoder.Decode(requests);
                for (var i = 0; i < requests.Length; i++) Assert.Equal(expected[i], texts[i].Tokens);
            }
        }
    });

    [Theory, MemberData(nameof(InstructionSets))]
    public void Logits_have_the_same_bits_however_many_rows_are_read_together(Isa isa) => With(isa, () =>
    {
        using var target = TinyModels.Target(7, Precision.BF16);
        int[] ids = [.. Enumerable.Range(0, 150).Select(i => i * 31 % 50)];      // more than two blocks of keys
        var together = Read(target, ids, ids.Length);
        foreach (var piece in (int[])[1, 2, 5, 8, 17, 70]) Assert.Equal(together, Read(target, ids, piece));
    });

    [Fact]
    public void Writing_allocates_next_to_nothing()
    {
        using var target = TinyModels.Target(4, Precision.BF16);
        using var decoder = new GreedyDecoder(target, sequences: 1);
        long Allocated(int tokens)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            decoder.Decode(new DecodingRequest([1, 2, 3], tokens, []));
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Allocated(200);
        Assert.InRange(Allocated(200) - Allocated(100), 0, 100 * 64);
    }

    [Fact]
    public void Prompts_that_cannot_be_answered_are_refused()
    {
        using var target = TinyModels.Target(8, Precision.F32);
        using var decoder = new GreedyDecoder(target);
        Assert.Contains("empty", Assert.Throws<AerieException>(() => decoder.Decode(new DecodingRequest([], 5, []))).Message, StringComparison.Ordinal);
        Assert.Contains("context", Assert.Throws<AerieException>(() => decoder.Decode(new DecodingRequest(new int[256], 5, []))).Message, StringComparison.Ordinal);
        Assert.Contains("token 50", Assert.Throws<AerieException>(() => decoder.Decode(new DecodingRequest([50], 5, []))).Message, StringComparison.Ordinal);
        Assert.Equal(26, decoder.Decode(new DecodingRequest(new int[230], 500, [])).Length);
    }

    static float[] Read(Target target, int[] ids, int piece)
    {
        using var work = new TargetWorkspace(piece, piece);
        using var rows = new PassRows(piece);
        using var cache = target.NewCache(ids.Length);
        var logits = new List<float>();
        for (var at = 0; at < ids.Length; at += piece)
        {
            var count = Math.Min(piece, ids.Length - at);
            rows.Clear();
            rows.Add(cache.Sequences[0], ids.AsSpan(at, count));
            target.Forward(rows, cache, work);
            logits.AddRange(target.Logits(work, [.. Enumerable.Range(0, count)]).ToArray());
        }
        return [.. logits];
    }

    static void With(Isa isa, Action test)
    {
        var before = Gemm.Isa;
        Gemm.Isa = isa;
        try { test(); }
        finally { Gemm.Isa = before; }
    }
}

[CollectionDefinition("instruction sets", DisableParallelization = true)]
public class InstructionSetsAlone;
