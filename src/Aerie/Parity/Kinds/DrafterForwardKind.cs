// Kind `drafter_forward`: a drafter beside its tiny target, as servers run it: features, the pass over the prompt, a chain of guesses, the rows after it, a second chain.
using Aerie.Capture;
using Aerie.Decoding;
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Parity.Kinds;

static class DrafterForwardKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        if (folder.Text("method") is var method && method != "eagle3") throw folder.NotSupported($"the method {method}");
        using var target = LoadTarget(folder);
        using var weights = Eagle3Weights.Open(folder.File(folder.Text("drafter")));
        using var drafter = new Eagle3(weights, new Eagle3Use(Trainable: false), target.Embedding, target.Head);
        using var expected = SafetensorsFolder.Open(folder.File("expected.safetensors"));
        var auxLayers = SpeculativeDecoder.CheckedAuxLayers(target.Config, weights.Config, folder.Ints("aux_layers"));
        var prompt = ModelKind.Int32(expected, "input_ids");
        using var greedy = new GreedyDecoder(target);
        var continued = greedy.Decode(new DecodingRequest(prompt, folder.Int("target_tokens"), []));
        yield return folder.Compare("target_tokens", continued, ModelKind.Int32(expected, "target_tokens"));

        int[] ids = [.. prompt, .. continued];
        var n = ids.Length - 1;
        using var capture = new TargetCapture(target, auxLayers, chunk: 7);
        using var states = capture.Capture([ids[..n]]);
        using var logits = Tensor.Allocate(new Shape(n, target.Config.VocabularySize));
        target.Kernels.Linear(states.LastHidden, target.Head, null, logits, false);
        target.LogitForm.Apply(target.Kernels, logits);
        if (expected.Contains("aux_hidden_states")) yield return Floats("aux_hidden_states", states.Aux);
        yield return Floats("last_hidden_state", states.LastHidden);
        yield return Floats("target_logits", logits);

        using var run = new Eagle3Inference(drafter, n, picks: n, kernels: target.Kernels);
        using var rows = new PassRows(n);
        using var cache = run.NewCache(n + folder.Int("proposals"));
        using var fused = Copy(run.Fuse(states.Aux));
        yield return Floats("fused", fused);
        foreach (var (pass, chain, begin, end, proposals) in new[] { ("prefill", "chain", 0, prompt.Length, folder.Int("proposals")), ("extend", "second_chain", prompt.Length, n, folder.Int("second_proposals")) })
        {
            rows.Clear();
            rows.Add(cache.Sequences[0], ids.AsSpan(begin + 1, end - begin), run.Window);
            run.Read(rows, fused.Slice(begin, end - begin), cache);
            foreach (var result in Results(pass)) yield return result;
            var (draftIds, tokens) = (new int[proposals], new int[proposals]);
            var (outputs, normed, drafted) = (new List<float>(), new List<float>(), new List<float>());
            run.Propose([rows.Count - 1], draftIds, tokens);
            for (var j = 1; j < proposals; j++)
            {
                rows.Clear();
                rows.Add(cache.Sequences[0], [tokens[j - 1]], run.Window);
                run.Read(rows, run.Picked(1), cache);
                outputs.AddRange(run.Output.ToArray());
                normed.AddRange(run.Normed.ToArray());
                drafted.AddRange(run.Logits([0]).ToArray());
                run.Propose([0], draftIds.AsSpan(j), tokens.AsSpan(j));
            }
            cache.Sequences[0].ShortenTo(end);
            yield return folder.Compare($"{chain}.draft_ids", draftIds, ModelKind.Int32(expected, $"{chain}.draft_ids"));
            yield return folder.Compare($"{chain}.token_ids", tokens, ModelKind.Int32(expected, $"{chain}.token_ids"));
            yield return folder.Compare($"{chain}.pre_norm", outputs.ToArray(), expected.ReadFloat32($"{chain}.pre_norm"));
            yield return folder.Compare($"{chain}.normed", normed.ToArray(), expected.ReadFloat32($"{chain}.normed"));
            yield return folder.Compare($"{chain}.logits", drafted.ToArray(), expected.ReadFloat32($"{chain}.logits"));
        }

        IEnumerable<ParityResult> Results(string pass)
        {
            yield return Floats($"{pass}.pre_norm", run.Output);
            yield return Floats($"{pass}.normed", run.Normed);
            yield return Floats($"{pass}.logits", run.Logits([.. Enumerable.Range(0, rows.Count)]));
        }

        ParityResult Floats(string name, Tensor got) => folder.Compare(name, got.ToArray(), expected.ReadFloat32(name));
    }

    /// <summary>The case's target, computing in float32.</summary>
    internal static Target LoadTarget(CaseFolder folder)
    {
        var path = folder.File(folder.Text("target"));
        var architecture = TargetConfig.ArchitectureOf(ConfigFile.Open(path));
        if (!TargetConfig.Architectures.Contains(architecture)) throw folder.NotSupported($"targets of the architecture {architecture}");
        return Target.Load(path, Precision.F32);
    }

    static Tensor Copy(Tensor tensor)
    {
        var copy = Tensor.Allocate(tensor.Shape);
        copy.CopyFrom(tensor);
        return copy;
    }
}
