// A target with recurrent states forgets, reads in pieces, with others and speculatively as if it had none: bit for bit. What it computes is compared with transformers in the golden cases.
using Aerie.Capture;
using Aerie.Decoding;
using Aerie.Targets;
using Aerie.Targets.Families;
using Aerie.Tensors;
using Aerie.Tests.Decoding;

namespace Aerie.Tests.Targets;

public sealed class NemotronHTests
{
    const string Config = """
        {"architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h", "hybrid_override_pattern": "MEM*-MM", "hidden_size": 40, "intermediate_size": 24, "num_attention_heads": 4,
         "num_key_value_heads": 2, "head_dim": 10, "mamba_num_heads": 6, "mamba_head_dim": 9, "n_groups": 3, "ssm_state_size": 11, "conv_kernel": 4, "n_routed_experts": 5, "num_experts_per_tok": 2,
         "moe_intermediate_size": 12, "moe_shared_expert_intermediate_size": 16, "routed_scaling_factor": 2.5, "vocab_size": 50, "max_position_embeddings": 256, "use_bias": true, "time_step_limit": [0.0, Infinity]}
        """;

    static Target New(ulong seed, Precision precision = Precision.F32) => TinyModels.FromConfig(Config, seed, precision);

    static int[] Text(int count, int seed = 0) => [.. Enumerable.Range(0, count).Select(i => (i * 31 + seed * 17 + i * i % 7) % 50)];

    [Fact]
    public void Any_of_the_last_tokens_can_be_forgotten_after_any_pass()
    {
        using var target = New(1);
        var text = Text(30);
        foreach (var rollback in (int[])[1, 3, 6, 40])
            foreach (var pieces in (int[][])[[30], [1], [4, 1, 7], [2]])
                for (var forgotten = 0; forgotten <= Math.Min(rollback, 29); forgotten += rollback > 6 ? 4 : 1)
                {
                    using var reader = new Reader(target, rollback, 64);
                    reader.Read(text, pieces);
                    reader.Sequence.ShortenTo(30 - forgotten);
                    reader.Read(Text(2, 5), [1]);
                    var (again, rest) = (Math.Min(rollback, 2), Text(9, 6));
                    reader.Sequence.ShortenTo(reader.Sequence.Length - again);
                    using var plain = new Reader(target, 0, 64);
                    plain.Read([.. text[..(30 - forgotten)], .. Text(2, 5)[..(2 - again)]], [64]);
                    Assert.Equal(plain.Read(rest, [9]), reader.Read(rest, pieces));
                }
    }

    [Fact]
    public void Prompts_read_in_pieces_have_the_same_bits()
    {
        using var target = New(2, Precision.BF16);
        var text = Text(150);
        using var whole = new Reader(target, 0, 150);
        var expected = whole.Read(text, [150]);
        foreach (var rollback in (int[])[0, 5])
            foreach (var pieces in (int[][])[[1], [2, 5], [64], [33, 1], [100, 50]])
            {
                using var reader = new Reader(target, rollback, 150);
                Assert.Equal(expected, reader.Read(text, pieces));
            }
    }

    [Fact]
    public void Sequences_of_one_pass_know_nothing_of_each_other()
    {
        using var target = New(3);
        using var work = new TargetWorkspace(64, 64);
        using var rows = new PassRows(64);
        int[][] texts = [Text(20, 1), Text(1, 2), Text(13, 3)];
        foreach (var rollback in (int[])[0, 4])
        {
            using var cache = target.NewCacheWithRollback(rollback, 20, 20, 20);
            var got = texts.Select(_ => new List<float>()).ToArray();
            foreach (var piece in (int[])[7, 1, 12])
            {
                rows.Clear();
                var first = texts.Select((text, i) => rows.Add(cache.Sequences[i], text.AsSpan(Math.Min(text.Length, cache.Sequences[i].Length), Math.Min(piece, text.Length - cache.Sequences[i].Length)))).ToArray();
                target.Forward(rows, cache, work);
                var logits = target.Logits(work, [.. Enumerable.Range(0, rows.Count)]).ToArray();
                for (var i = 0; i < texts.Length; i++) got[i].AddRange(logits.AsSpan(first[i] * 50, ((i + 1 < texts.Length ? first[i + 1] : rows.Count) - first[i]) * 50).ToArray());
            }
            for (var i = 0; i < texts.Length; i++)
            {
                using var alone = new Reader(target, 0, 20);
                Assert.Equal(alone.Read(texts[i], [20]), got[i]);
            }
        }
    }

    [Fact]
    public void A_saved_sequence_goes_on_as_it_was()
    {
        using var target = New(4);
        using var work = new TargetWorkspace(64, 64);
        using var rows = new PassRows(64);
        using var cache = target.NewCacheWithRollback(3, 40, 30);
        var (live, saved) = (cache.Sequences[0], cache.Sequences[1]);
        Pass(live, Text(20));
        cache.Copy(live, saved);
        live.ShortenTo(18);
        var expected = Pass(live, Text(4, 1));
        live.ShortenTo(0);
        Pass(live, Text(6, 2));
        cache.Copy(saved, live);
        live.ShortenTo(18);
        Assert.Equal(expected, Pass(live, Text(4, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => live.ShortenTo(18));
        live.ShortenTo(19);
        live.ShortenTo(0);
        Assert.Throws<ArgumentException>(() =>
        {
            rows.Clear();
            rows.Add(live, [1]);
            rows.Add(live, [2]);
            target.Forward(rows, cache, work);
        });

        float[] Pass(CachedSequence sequence, int[] tokens)
        {
            rows.Clear();
            rows.Add(sequence, tokens);
            target.Forward(rows, cache, work);
            return target.Logits(work, [.. Enumerable.Range(0, tokens.Length)]).ToArray();
        }
    }

    [Fact]
    public void Captured_documents_know_nothing_of_each_other()
    {
        using var target = New(7);
        int[][] documents = [Text(20, 1), Text(9, 2), Text(3, 3), Text(5, 4), Text(11, 5)];
        using var capture = new TargetCapture(target, [0, 3, 6], chunk: 16);
        var (hidden, total) = (3 * target.Config.HiddenSize, documents.Sum(d => d.Length));
        using var together = Tensor.Allocate(new Shape(total, hidden));
        capture.Capture(documents, together, null);
        var alone = documents.SelectMany(document =>
        {
            using var own = Tensor.Allocate(new Shape(document.Length, hidden));
            capture.Capture([document], own, null);
            return own.ToArray();
        });
        Assert.Equal(alone, together.ToArray());
    }

    [Theory]
    [InlineData(Precision.F32)]
    [InlineData(Precision.BF16)]
    public void Speculative_text_is_plain_text(Precision precision)
    {
        using var target = New(5, precision);
        using var drafter = TinyModels.Drafter(target, 6, precision);
        DecodingRequest[] requests = [.. Enumerable.Range(1, 4).Select(n => new DecodingRequest(Text(3 * n, n), 40, [3]))];
        using var plain = new GreedyDecoder(target, sequences: 2, chunk: 8);
        var expected = plain.Decode(requests);
        for (var guesses = 1; guesses <= 8; guesses++)
        {
            using var decoder = new SpeculativeDecoder(target, drafter, guesses, sequences: 1 + guesses % 3, chunk: 8, leastConfidence: guesses % 2 * 0.03);
            var texts = decoder.Decode(requests);
            for (var i = 0; i < requests.Length; i++) Assert.Equal(expected[i], texts[i].Tokens);
        }
    }

    [Fact]
    public void Writing_allocates_next_to_nothing()
    {
        using var target = New(8);
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
    public void A_state_that_would_not_fit_anywhere_is_refused()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), Config.Replace("\"mamba_num_heads\": 6", "\"mamba_num_heads\": 16383", StringComparison.Ordinal)
            .Replace("\"mamba_head_dim\": 9", "\"mamba_head_dim\": 4096", StringComparison.Ordinal).Replace("\"ssm_state_size\": 11", "\"ssm_state_size\": 4096", StringComparison.Ordinal));
        Assert.Contains("ssm_state_size", Assert.Throws<AerieException>(() => TargetConfig.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_experts_than_any_model_has_are_refused_before_they_are_listed()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), Config.Replace("\"MEM*-MM\"", $"\"{new string('E', 1 << 14)}\"", StringComparison.Ordinal));
        Assert.Contains("experts in 16384 layers", Assert.Throws<AerieException>(() => TargetConfig.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_word_Infinity_is_read_where_transformers_wrote_it_and_nowhere_else()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("config.json");
        TargetConfig Read(string json)
        {
            File.WriteAllText(file, json);
            return TargetConfig.Read(folder.Path);
        }
        const string Limit = "\"time_step_limit\": [0.0, Infinity]";
        Assert.Equal(7, Read(Config).Layers);
        Assert.Equal(7, Read(Config.Replace(Limit, "\"time_step_limit\": [0.0, {\"__float__\": \"Infinity\"}]", StringComparison.Ordinal)).Layers);
        Assert.Equal(7, Read(Config.Replace(Limit, "\"mamba_dt_limit\": [0,Infinity ]", StringComparison.Ordinal)).Layers);
        foreach (var other in (string[])["\"time_step_max\": Infinity", "\"time_step_limit\": [0.0, NaN]", "\"time_step_limit\": Infinity", "\"time_step_limit\": [0.0, -Infinity]", "\"x\": [0.0, Infinity]"])
            Assert.Contains("not JSON", Assert.Throws<AerieException>(() => Read(Config.Replace(Limit, other, StringComparison.Ordinal))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_are_read_in_all_spellings()
    {
        using var folder = new TemporaryFolder();
        string Pattern(string keys)
        {
            File.WriteAllText(folder.File("config.json"), Config.Replace("\"hybrid_override_pattern\": \"MEM*-MM\"", keys, StringComparison.Ordinal));
            return ((NemotronHConfig)TargetConfig.Read(folder.Path)).Pattern;
        }
        Assert.Equal("M*E-", Pattern("\"layers_block_type\": [\"mamba\", \"attention\", \"moe\", \"mlp\"], \"hybrid_override_pattern\": \"MM\""));
        Assert.Equal("M*", Pattern("\"layers_block_type\": [\"linear_attention\", \"full_attention\"], \"num_hidden_layers\": 5"));
        Assert.Contains("letters", Assert.Throws<AerieException>(() => Pattern("\"hybrid_override_pattern\": \"MX\"")).Message, StringComparison.Ordinal);
        Assert.Contains("'tea'", Assert.Throws<AerieException>(() => Pattern("\"layers_block_type\": [\"tea\"]")).Message, StringComparison.Ordinal);
        Assert.Contains("layers_block_type", Assert.Throws<AerieException>(() => Pattern("\"use_cache\": true")).Message, StringComparison.Ordinal);
        Assert.Equal((null, "model.norm_f.weight", "lm_head.weight"), (NemotronH.Family.Canonical("mtp.layers.0.x"), NemotronH.Family.Canonical("backbone.norm_f.weight"), NemotronH.Family.Canonical("lm_head.weight")));
    }

    /// <summary>Reads tokens into one sequence and gives the logits of all.</summary>
    sealed class Reader(Target target, int rollback, int capacity) : IDisposable
    {
        readonly TargetWorkspace work = new(capacity, capacity);
        readonly PassRows rows = new(capacity);
        readonly KeyValueCache cache = target.NewCacheWithRollback(rollback, capacity);

        public CachedSequence Sequence => cache.Sequences[0];

        public List<float> Read(int[] tokens, int[] pieces)
        {
            var logits = new List<float>();
            for (int at = 0, turn = 0, count; at < tokens.Length; at += count, turn++)
            {
                count = Math.Min(pieces[turn % pieces.Length], tokens.Length - at);
                rows.Clear();
                rows.Add(Sequence, tokens.AsSpan(at, count));
                target.Forward(rows, cache, work);
                logits.AddRange(target.Logits(work, [.. Enumerable.Range(0, count)]).ToArray());
            }
            return logits;
        }

        public void Dispose()
        {
            work.Dispose();
            rows.Dispose();
            cache.Dispose();
        }
    }
}
