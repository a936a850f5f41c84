// What every family must do beyond its recorded case: bits that do not depend on how a text is cut into passes, speculation that changes nothing, products in bf16 near those in f32, a teacher
// that says what the target says, and a config.json that is wrong in any key is refused in words.
using System.Text.Json.Nodes;
using Aerie.Capture;
using Aerie.Data;
using Aerie.Decoding;
using Aerie.Formats;
using Aerie.Parity.Kinds;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Tests.Decoding;
using Aerie.Training;

namespace Aerie.Tests.Targets;

public class FamilyTests
{
    const string Common = """
        "num_hidden_layers": 3, "hidden_size": 48, "intermediate_size": 80, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 50, "max_position_embeddings": 256,
        "rope_theta": 1000, "tie_word_embeddings": false
        """;

    static readonly Dictionary<string, string> Configs = new()
    {
        ["phi3"] = """ "architectures": ["Phi3ForCausalLM"], "partial_rotary_factor": 0.5, "sliding_window": 40 """,
        ["phi3, long"] = """ "architectures": ["Phi3ForCausalLM"], "original_max_position_embeddings": 32, "rope_scaling": {"type": "longrope", "short_factor": [1, 1.1, 1.2, 1.3], "long_factor": [1, 2, 3, 4]} """,
        ["gemma2"] = """ "architectures": ["Gemma2ForCausalLM"], "sliding_window": 20, "query_pre_attn_scalar": 10, "attn_logit_softcapping": 2, "final_logit_softcapping": 3 """,
        ["gemma3"] = """ "architectures": ["Gemma3ForCausalLM"], "sliding_window": 20, "query_pre_attn_scalar": 10, "sliding_window_pattern": 2 """,
        ["olmo2"] = """ "architectures": ["Olmo2ForCausalLM"] """,
        ["granite"] = """ "architectures": ["GraniteForCausalLM"], "embedding_multiplier": 3, "attention_multiplier": 0.2, "residual_multiplier": 0.5, "logits_scaling": 2 """,
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    static Target Random(string family, Precision precision) => TinyModels.FromConfig($"{{{Common}, {Configs[family]}}}", 3, precision);

    [Theory, MemberData(nameof(Names))]
    public void A_text_has_the_same_bits_in_whatever_pieces_it_is_read(string family)
    {
        using var target = Random(family, Precision.BF16);
        int[] ids = [.. Enumerable.Range(0, 150).Select(i => i * 31 % 50)];
        foreach (var prompt in (int[])[10, 32, 33, 150])
        {
            var together = Read(target, ids, ids.Length, prompt);
            foreach (var piece in (int[])[1, 5, 17]) Assert.Equal(together, Read(target, ids, piece, prompt));
        }
        var (brief, whole) = (Read(target, ids, 50, 10), Read(target, ids, 50, 150));
        Assert.Equal(family == "phi3, long", !brief.AsSpan().SequenceEqual(whole));         // a long prompt turns its first tokens too
        Assert.True(brief.AsSpan(0, 32 * 50).SequenceEqual(Read(target, ids[..32], 32, 32)));
    }

    [Theory, MemberData(nameof(Names))]
    public void Speculative_text_is_plain_text(string family)
    {
        using var target = Random(family, Precision.BF16);
        using var drafter = TinyModels.Drafter(target, 6, Precision.BF16);
        DecodingRequest[] requests = [.. Enumerable.Range(1, 4).Select(n => new DecodingRequest([.. Enumerable.Range(0, 9 * n).Select(i => (i * 17 + n) % 50)], 40, [3]))];
        using var plain = new GreedyDecoder(target, sequences: 2, chunk: 8);
        var expected = plain.Decode(requests);
        foreach (var guesses in (int[])[1, 4])
        {
            using var decoder = new SpeculativeDecoder(target, drafter, guesses, sequences: 3, chunk: 8);
            Assert.Equal(expected, decoder.Decode(requests).Select(t => t.Tokens.ToArray()));
        }
    }

    public static TheoryData<string> Cases => Golden.Cases("models");

    /// <summary>Inputs and weights of products rounded to 8 bits: the logits of the recorded cases move by at most 2 % of their root mean square (0.6 to 1.3 % measured).
    /// Not where there are experts: another choice between near equals is no error.</summary>
    [Theory, MemberData(nameof(Cases))]
    public void Products_in_bf16_stay_near(string name)
    {
        var folder = Golden.Path("models", name);
        using var expected = SafetensorsFolder.Open(Path.Combine(folder, "expected.safetensors"));
        if (expected.Contains("document_offsets") || expected.Names.Any(n => n.StartsWith("router", StringComparison.Ordinal))) return;
        var shape = expected.Get("input_ids").Shape;
        var ids = ModelKind.Int32(expected, "input_ids")[..(int)shape[1]];
        using var target = Target.Load(folder, Precision.BF16);
        double error = 0, size = 0;
        foreach (var (got, want) in Read(target, ids, ids.Length, ids.Length).Zip(expected.ReadFloat32("logits"))) (error, size) = (error + (got - want) * (got - want), size + want * want);
        Assert.InRange(Math.Sqrt(error / size), 0, 0.02);
    }

    [Theory, InlineData("gemma2"), InlineData("granite")]
    public void The_teacher_of_a_drafter_says_what_the_target_says(string family)
    {
        using var target = Random(family, Precision.F32);
        int[] ids = [.. Enumerable.Range(0, 20).Select(i => i * 31 % 50)];
        using var capture = new TargetCapture(target, [0, 1, 2]);
        using var data = new CapturedData([new TokenizedConversation(ids, [.. Enumerable.Repeat(true, 20)])], capture, target.Head, new BatchPlan(1));
        using var batch = data.Load(0, 0);
        using var given = Tensor.From(Read(target, ids, 20, 20), new Shape(20, 50));
        using var logits = new Eagle3Batch
        {
            Rows = 1, Length = 20, InputIds = batch.InputIds, LossMask = batch.LossMask, AuxHiddenStates = batch.AuxHiddenStates, Teacher = new TargetLogits(given), Documents = batch.Documents,
        };
        using var tape = new Tape(target.Kernels);
        var positions = Enumerable.Range(0, 20).ToArray();
        float[] Of(Eagle3Batch b) => TeacherRows.Compute(tape, b, DraftVocabulary.Full(50), positions, DType.F32, false).Probabilities.ToArray();
        Assert.Equal(Of(logits), Of(batch));
    }

    [Theory, InlineData("language_model.", ""), InlineData("model.language_model.", "model.")]
    public void A_Gemma_3_that_also_reads_pictures_is_its_text_model(string prefix, string cut)
    {
        var folder = Golden.Path("models", "gemma3");
        using var temporary = Golden.Temporary();
        var text = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        text.Remove("architectures");
        File.WriteAllText(temporary.File("config.json"), new JsonObject
        {
            ["architectures"] = new JsonArray("Gemma3ForConditionalGeneration"), ["model_type"] = "gemma3", ["text_config"] = text, ["eos_token_id"] = new JsonArray(1, 60),
        }.ToJsonString());
        using (var files = SafetensorsFolder.Open(folder))
            SafetensorsWriter.Write(temporary.File("model.safetensors"), [
                .. files.Entries.Select(e => new SafetensorsSource(prefix + e.Name[cut.Length..], e.Type, [.. e.Shape], files.Bytes(e.Name).ToArray())),
                new SafetensorsSource("vision_tower.patch.weight", SafetensorsType.F32, [1], new byte[4])]);
        using var pictures = Target.Load(temporary.Path, Precision.F32);
        using var plain = Target.Load(folder, Precision.F32);
        Assert.Equal((1, 60), (pictures.Config.EndTokenIds[0], pictures.Config.EndTokenIds[1]));
        int[] ids = [.. Enumerable.Range(0, 20).Select(i => i * 31 % 64)];
        Assert.Equal(Read(plain, ids, 20, 20), Read(pictures, ids, 20, 20));
    }

    static float[] Read(Target target, int[] ids, int piece, int prompt)
    {
        using var work = new TargetWorkspace(piece, piece);
        using var rows = new PassRows(piece);
        using var cache = target.NewCache(ids.Length);
        cache.Sequences[0].PromptLength = prompt;
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

    static readonly string?[] Wrong = ["null", "\"text\"", "-1", "0", "0.5", "1e300", "3", "4611686018427387904", "[]", "[1, \"a\"]", "{}", "true", null];

    [Theory, MemberData(nameof(Cases))]
    public void A_config_that_is_wrong_anywhere_is_read_or_refused_in_words(string name)
    {
        using var temporary = Golden.Temporary();
        var path = temporary.File("config.json");
        foreach (var spelling in (string[])["config.json", "config.legacy.json"])
        {
            if (!File.Exists(Golden.Path("models", name, spelling))) continue;
            var text = File.ReadAllText(Golden.Path("models", name, spelling)).Replace(" Infinity\n", " null\n", StringComparison.Ordinal);   // a word of NemotronH's old configs that is not JSON
            foreach (var place in Keys(JsonNode.Parse(text)!.AsObject()))
                foreach (var wrong in Wrong)
                {
                    var root = JsonNode.Parse(text)!.AsObject();
                    var parent = place[..^1].Aggregate(root, (node, key) => node[key]!.AsObject());
                    if (wrong is null) parent.Remove(place[^1]);
                    else parent[place[^1]] = JsonNode.Parse(wrong);
                    File.WriteAllText(path, root.ToJsonString());
                    TargetConfig config;
                    try { config = TargetConfig.Read(path); }
                    catch (AerieException e)
                    {
                        Assert.Contains(path, e.Message, StringComparison.Ordinal);
                        continue;
                    }
                    if (config.Layers < 10) config.Family.Build(config, new WeightTable(null, null, n => n)).Dispose();   // what is read can be put together
                }
        }
    }

    static IEnumerable<string[]> Keys(JsonObject json)
        => json.SelectMany(pair => pair.Value is JsonObject inner ? Keys(inner).Select(rest => (string[])[pair.Key, .. rest]).Prepend([pair.Key]) : [[pair.Key]]);

    [Theory]
    [InlineData("phi3", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 1.5", "partial_rotary_factor")]
    [InlineData("phi3", "\"partial_rotary_factor\": 0.5", "\"partial_rotary_factor\": 0.1", "partial_rotary_factor")]
    [InlineData("phi3", "\"sliding_window\": 40", "\"sliding_window\": 0", "sliding_window")]
    [InlineData("phi3, long", "[1, 2, 3, 4]", "[1, 2, 3]", "long_factor")]
    [InlineData("phi3, long", "[1, 2, 3, 4]", "[1, 2, 3, 0]", "long_factor")]
    [InlineData("phi3, long", "\"short_factor\"", "\"other\"", "short_factor")]
    [InlineData("phi3, long", "longrope", "spiral", "type")]
    [InlineData("gemma2", "\"attn_logit_softcapping\": 2", "\"attn_logit_softcapping\": 0", "attn_logit_softcapping")]
    [InlineData("gemma2", "\"query_pre_attn_scalar\": 10", "\"query_pre_attn_scalar\": -1", "query_pre_attn_scalar")]
    [InlineData("gemma2", "\"sliding_window\": 20", "\"hidden_activation\": \"gelu\"", "hidden_activation")]
    [InlineData("gemma3", "\"sliding_window_pattern\": 2", "\"sliding_window_pattern\": 0", "sliding_window_pattern")]
    [InlineData("gemma3", "\"sliding_window_pattern\": 2", "\"rope_local_base_freq\": \"10000\"", "rope_local_base_freq")]
    [InlineData("gemma3", "\"sliding_window_pattern\": 2", "\"use_bidirectional_attention\": true", "use_bidirectional_attention")]
    [InlineData("granite", "\"logits_scaling\": 2", "\"logits_scaling\": 0", "logits_scaling")]
    [InlineData("olmo2", "\"head_dim\": 8", "\"partial_rotary_factor\": 0.5", "partial_rotary_factor")]
    public void A_wrong_value_of_a_family_is_named(string family, string right, string wrong, string key)
    {
        using var temporary = Golden.Temporary();
        var text = $"{{{Common}, {Configs[family]}}}";
        Assert.Contains(right, text, StringComparison.Ordinal);
        File.WriteAllText(temporary.File("config.json"), text.Replace(right, wrong, StringComparison.Ordinal));
        Assert.Contains($"{key}`", Assert.Throws<AerieException>(() => TargetConfig.Read(temporary.Path)).Message, StringComparison.Ordinal);
    }
}
