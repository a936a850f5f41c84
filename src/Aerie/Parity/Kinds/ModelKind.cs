// Kind `model`: a tiny Hugging Face checkpoint; every layer's output, logits and greedy text, from both spellings of its config.
using System.Buffers.Binary;
using Aerie.Decoding;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Parity.Kinds;

static class ModelKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var architecture = TargetConfig.ArchitectureOf(ConfigFile.Open(folder.File("config.json")));
        if (!TargetConfig.Architectures.Contains(architecture)) throw folder.NotSupported($"the architecture {architecture}");
        using var expected = SafetensorsFolder.Open(folder.File("expected.safetensors"));
        foreach (var spelling in (string[])["config.json", "config.legacy.json"])
        {
            if (!folder.Has(spelling)) continue;
            // A recorded text may be longer than the context that the config names: only servers refuse it.
            var config = TargetConfig.Read(folder.File(spelling));
            var length = expected.Get("input_ids").Count + (expected.TryGet("greedy_ids", out var greedy) ? greedy.Count : 0);
            using var target = Target.Load(config with { MaxPositions = (int)Math.Max(config.MaxPositions, length) }, folder.Path, Precision.F32);
            foreach (var result in Compare(folder, target, expected)) yield return spelling == "config.json" ? result : result with { Name = $"{result.Name} ({spelling})" };
        }
    }

    static IEnumerable<ParityResult> Compare(CaseFolder folder, Target target, SafetensorsFolder expected)
    {
        var prefix = expected.Contains("unclamped.logits") ? "unclamped." : "";
        var (ids, documents) = (Int32(expected, "input_ids"), Documents(expected));
        foreach (var document in documents)
            if (document.Count == 0 || document.Begin + document.Count > ids.Length) throw new AerieException($"{folder.Path}: document_offsets and input_ids do not fit");
        var texts = documents.Select(d => ids.AsSpan(d.Begin, d.Count).ToArray()).ToArray();

        // All texts in one pass, each in its own part of the cache: for packed documents that is the case, for a batch it does no harm.
        using var work = new TargetWorkspace(ids.Length, ids.Length);
        using var rows = new PassRows(ids.Length);
        using var cache = target.NewCache([.. texts.Select(t => t.Length)]);
        var capture = new HiddenStateCapture([.. Enumerable.Range(-1, target.Config.Layers + 1)]);
        var hidden = target.Config.HiddenSize;
        using var captured = Tensor.Allocate(new Shape(ids.Length, (target.Config.Layers + 1) * hidden));
        capture.Into = captured;
        for (var i = 0; i < texts.Length; i++) rows.Add(Whole(cache.Sequences[i], texts[i]), texts[i]);
        var routed = new List<(int Layer, float[] Logits, int[] Experts, float[] Factors)>();
        target.Routed = (layer, logits, experts, factors) => routed.Add((layer, logits.ToArray(), experts.ToInt32Array(), factors.ToArray()));
        var residual = target.Forward(rows, cache, work, capture);
        target.Routed = null;
        var layers = captured.ToArray();
        for (var i = -1; i < target.Config.Layers; i++)
        {
            var name = i < 0 ? "embedding_output" : Named($"layer_output.{i}");
            if (!expected.Contains(name)) continue;
            var got = new float[ids.Length * hidden];
            for (var r = 0; r < ids.Length; r++) layers.AsSpan((r * (target.Config.Layers + 1) + i + 1) * hidden, hidden).CopyTo(got.AsSpan(r * hidden));
            yield return folder.Compare(name, got, expected.ReadFloat32(name));
        }
        for (var i = 0; i < target.Config.Layers; i++)
            if (expected.Contains(Named($"router_logits.{i}")) && !routed.Exists(r => r.Layer == i)) yield return ParityResult.Wrong(Named($"router_logits.{i}"), "the layer has no router");
        foreach (var (layer, logits, experts, factors) in routed)
        {
            yield return folder.Compare(Named($"router_logits.{layer}"), logits, expected.ReadFloat32(Named($"router_logits.{layer}")));
            yield return folder.Compare(Named($"router_experts.{layer}"), experts, Int32(expected, Named($"router_experts.{layer}")));
            yield return folder.Compare(Named($"router_weights.{layer}"), factors, expected.ReadFloat32(Named($"router_weights.{layer}")));
        }
        foreach (var result in RecurrentStates.Compare(folder, target, cache, texts, Named, expected)) yield return result;
        using var normed = Tensor.Allocate(residual.Shape);
        using var scale = Tensor.Allocate(new Shape(ids.Length));
        target.FinalNorm(residual, normed, scale);
        yield return folder.Compare(Named("final_norm_output"), normed.ToArray(), expected.ReadFloat32(Named("final_norm_output")));
        yield return folder.Compare(Named("logits"), target.Logits(work, [.. Enumerable.Range(0, ids.Length)]).ToArray(), expected.ReadFloat32(Named("logits")));
        if (prefix.Length > 0) yield return ParityResult.NotChecked("tensors without the prefix", "they are of transformers, which clamps dt from below in passes of several tokens only; servers never clamp, and neither do we");
        if (!expected.Contains(Named("greedy_ids"))) yield break;

        var greedy = Int32(expected, Named("greedy_ids"));
        var length = greedy.Length / texts.Length;
        using var decoder = new GreedyDecoder(target, sequences: texts.Length, chunk: 7);
        var written = decoder.Decode([.. texts.Select(t => new DecodingRequest(t, length, []))]);
        yield return folder.Compare(Named("greedy_ids"), written.SelectMany(w => w).ToArray(), greedy);
        var (again, margins) = Recompute(target, texts, length);
        yield return folder.Compare(Named("greedy_ids"), again, greedy) with { Name = $"{Named("greedy_ids")}, without the cache" };
        yield return folder.Compare(Named("greedy_margin"), margins, expected.ReadFloat32(Named("greedy_margin")));

        // What an engine gives that does not clamp the time steps of Mamba-2, where transformers does.
        string Named(string name) => prefix + name;
    }

    static CachedSequence Whole(CachedSequence sequence, IReadOnlyCollection<int> text)
    {
        sequence.PromptLength = text.Count;
        return sequence;
    }

    // Every step reads the whole text anew.
    static (int[] Ids, float[] Margins) Recompute(Target target, int[][] texts, int length)
    {
        var (ids, margins) = (new List<int>(), new List<float>());
        foreach (var text in texts)
        {
            var all = text.ToList();
            using var work = new TargetWorkspace(text.Length + length, 1);
            using var rows = new PassRows(text.Length + length);
            using var cache = target.NewCache(text.Length + length);
            for (var i = 0; i < length; i++)
            {
                rows.Clear();
                cache.Sequences[0].ShortenTo(0);
                rows.Add(Whole(cache.Sequences[0], all), all.ToArray());
                target.Forward(rows, cache, work);
                var logits = target.Logits(work, [all.Count - 1]).ToArray();
                var best = Array.IndexOf(logits, logits.Max());
                margins.Add(logits[best] - logits.Where((_, id) => id != best).Max());
                ids.Add(best);
                all.Add(best);
            }
        }
        return ([.. ids], [.. margins]);
    }

    static List<(int Begin, int Count)> Documents(SafetensorsFolder expected)
    {
        if (expected.Contains("document_offsets"))
        {
            var offsets = Int32(expected, "document_offsets");
            return [.. offsets.Zip(offsets.Skip(1), (begin, end) => (begin, end - begin))];
        }
        if (expected.Get("input_ids").Shape is not [var batch, var length]) throw new AerieException($"{expected.Path}: input_ids should have two dimensions");
        return [.. Enumerable.Range(0, (int)batch).Select(b => (b * (int)length, (int)length))];
    }

    internal static int[] Int32(SafetensorsFolder files, string name)
    {
        var entry = files.Get(name);
        if (entry.Type != SafetensorsType.I64) throw new AerieException($"{files.Path}: {entry} should be I64");
        var bytes = files.Bytes(name).ToArray();
        return [.. Enumerable.Range(0, (int)entry.Count).Select(i => checked((int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8 * i))))];
    }
}
