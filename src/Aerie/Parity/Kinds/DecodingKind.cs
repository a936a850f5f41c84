// Kind `decoding`, topic greedy: every round of every chain run, and the plain output that all must equal.
using System.Text.Json;
using Aerie.Decoding;
using Aerie.Drafters;
using Aerie.Tensors;

namespace Aerie.Parity.Kinds;

static class DecodingKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        if (folder.Text("topic") is var topic && topic != "greedy") throw folder.NotSupported($"the topic `{topic}` of decoding cases");
        using var target = DrafterForwardKind.LoadTarget(folder);
        using var weights = Eagle3Weights.Open(folder.File(folder.Text("drafter")));
        using var drafter = new Eagle3(weights, new Eagle3Use(Trainable: false), target.Embedding, target.Head);
        var (prompts, length, auxLayers) = (Array(folder, "prompts"), folder.Int("max_new_tokens"), folder.Ints("aux_layers"));
        DecodingRequest[] requests = [.. prompts.Select(p => new DecodingRequest(Ints(p.GetProperty("ids")), length, Ints(p.GetProperty("stop_token_ids"))))];
        var expected = folder.Root.GetProperty("expected");
        int[] want = [.. expected.GetProperty("plain_output").EnumerateArray().SelectMany(Ints)];
        using (var plain = new GreedyDecoder(target))
            yield return folder.Compare("plain_output", plain.Decode(requests).SelectMany(t => t).ToArray(), want);

        var rounds = File.ReadLines(folder.File(folder.Text("rounds"))).Where(line => line.Length > 0).Select(line => JsonDocument.Parse(line).RootElement).ToLookup(r => r.GetProperty("run").GetString());
        var supported = 0;
        foreach (var run in Array(folder, "runs"))
        {
            var (name, mode) = (run.GetProperty("name").GetString()!, run.GetProperty("mode").GetString()!);
            if (mode != "chain")
            {
                yield return ParityResult.NotChecked(name, $"runs of mode `{mode}` are not supported yet");
                continue;
            }
            supported++;
            // All prompts in one batch, and one after the other: both must be the recorded rounds.
            foreach (var sequences in (int[])[1, requests.Length])
            {
                var got = new List<SpeculativeRound>();
                using var decoder = new SpeculativeDecoder(target, drafter, run.GetProperty("num_steps").GetInt32(), sequences, auxLayers, chunk: 7);
                var texts = decoder.Decode(requests, onRound: got.Add);
                var label = sequences == 1 ? name : $"{name}, {sequences} at once";
                yield return folder.Compare($"{label}: output", texts.SelectMany(t => t.Tokens).ToArray(), want);
                yield return folder.Compare($"{label}: rounds", string.Join('\n', got.OrderBy(r => r.Request).ThenBy(r => r.Round).Select(Line)), string.Join('\n', rounds[name].Select(Line)));
                yield return Totals(label, texts, expected.GetProperty("totals").GetProperty(name));
            }
        }
        if (supported == 0) throw folder.NotSupported("any run of this case");

        ParityResult Totals(string label, SpeculativeText[] texts, JsonElement totals)
        {
            var sum = new DraftStatistics(totals.GetProperty("accepted_at_position").GetArrayLength());
            foreach (var text in texts) sum.Add(text.Statistics);
            return folder.Compare($"{label}: totals", $"{sum.Rounds} {sum.Accepted} {string.Join(' ', sum.AcceptedAtPosition)} {sum.Tau:0.000}",
                $"{totals.GetProperty("rounds")} {totals.GetProperty("accepted")} {string.Join(' ', Ints(totals.GetProperty("accepted_at_position")))} {totals.GetProperty("tau").GetDouble():0.000}");
        }
    }

    static string Line(SpeculativeRound r) => $"{r.Request} {r.Round} {r.RootPosition} {r.Root} [{string.Join(' ', r.Proposed)}] {r.Accepted} {r.Bonus}";

    static string Line(JsonElement r) => $"{r.GetProperty("prompt")} {r.GetProperty("round")} {r.GetProperty("root_position")} {r.GetProperty("root")} [{string.Join(' ', Ints(r.GetProperty("proposed")))}] {r.GetProperty("accepted")} {r.GetProperty("bonus")}";

    static JsonElement[] Array(CaseFolder folder, string key) => folder.Parameters.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()]
        : throw new AerieException($"{folder.Path}: `parameters.{key}` must be a list");

    static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(e => e.GetInt32())];
}
