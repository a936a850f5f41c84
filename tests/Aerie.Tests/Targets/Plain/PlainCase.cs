// A golden case made here: a random checkpoint in both spellings, and what the plain implementation computes with it, in the form of golden/models, for `aerie parity`.
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Aerie.Formats;

namespace Aerie.Tests.Targets.Plain;

/// <param name="Tokens">Tokens of each text.</param>
/// <param name="Rows">Texts.</param>
/// <param name="Greedy">Tokens that follow each.</param>
/// <param name="Documents">Lengths of texts that stand in one row; then <paramref name="Tokens"/> and <paramref name="Rows"/> mean nothing.</param>
/// <param name="BFloat16">Weights are in bf16 on disk.</param>
/// <param name="HeadToo">The file holds a head though it is tied.</param>
/// <param name="Change">What is done to the tensors before they are written.</param>
sealed record PlainCase(JsonObject Legacy, int Tokens = 20, int Rows = 1, int Greedy = 4, int[]? Documents = null, bool BFloat16 = false, bool HeadToo = false, Action<Dictionary<string, (int[] Shape, float[] Values)>>? Change = null)
{
    const double Tolerance = 5e-5;                             // of a tensor's root mean square

    internal void Write(string folder)
    {
        for (var seed = 1; ; seed++)
        {
            Assert.InRange(seed, 1, 60);
            if (Write(folder, seed)) return;
        }
    }

    // Not where a choice of experts or of a token is so near that rounding may decide it.
    bool Write(string folder, int seed)
    {
        var (old, config) = (new PlainConfig(Legacy), new PlainConfig(PlainSpelling.Modern(Legacy)));
        var weights = new PlainWeights(seed) { HeadToo = HeadToo, BFloat16 = BFloat16 };
        var random = new Random(seed);
        int[][] texts = [.. (Documents ?? [.. Enumerable.Repeat(Tokens, Rows)]).Select(n => Enumerable.Range(0, n).Select(_ => random.Next(config.Vocabulary)).ToArray())];
        var runs = texts.Select(t => new PlainModel(config, weights, t).Run()).ToList();
        if (runs.Exists(r => r.Gap < 2e-4)) return false;
        foreach (var (text, run) in texts.Zip(runs))
            foreach (var (name, values) in new PlainModel(old, weights, text).Run().Outputs) Assert.Equal(run.Outputs[name], values);

        var (ids, margins) = (new List<int>(), new List<double>());
        foreach (var (text, run) in Documents is null ? texts.Zip(runs) : [])
        {
            var all = text.ToList();
            for (var i = 0; i < Greedy; i++)
            {
                var last = (i == 0 ? run : new PlainModel(config, weights, [.. all]).Run()).Outputs["logits"][^config.Vocabulary..];
                var best = Array.IndexOf(last, last.Max());
                margins.Add(last[best] - last.Where((_, j) => j != best).Max());
                ids.Add(best);
                all.Add(best);
            }
        }
        if (margins.Exists(m => m < 5e-3 * Math.Sqrt(runs[0].Outputs["logits"].Average(z => z * z)))) return false;

        var tolerance = new JsonObject();
        var expected = new List<SafetensorsSource> { Whole("input_ids", texts.SelectMany(t => t)) };
        foreach (var name in runs[0].Outputs.Keys)
        {
            double[] values = [.. runs.SelectMany(r => r.Outputs[name])];
            expected.Add(name.StartsWith("router_experts", StringComparison.Ordinal) ? Whole(name, values.Select(v => (int)v)) : Floats(name, values));
        }
        if (Documents is not null) expected.Add(Whole("document_offsets", [.. Documents.Select((_, d) => Documents.Take(d).Sum()), Documents.Sum()]) with { Shape = [Documents.Length + 1] });
        else if (Greedy > 0) expected.AddRange([Whole("greedy_ids", ids), Floats("greedy_margin", [.. margins])]);
        SafetensorsWriter.Write(Path.Combine(folder, "expected.safetensors"), expected);
        File.WriteAllText(Path.Combine(folder, "case.json"), new JsonObject { ["kind"] = "model", ["tolerance"] = tolerance }.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "config.json"), config.Json.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "config.legacy.json"), Legacy.ToJsonString());
        var tensors = weights.Asked.ToDictionary();
        Change?.Invoke(tensors);
        PlainWeights.Write(Path.Combine(folder, "model.safetensors"), tensors, BFloat16);
        return true;

        SafetensorsSource Whole(string name, IEnumerable<int> values)
        {
            long[] wide = [.. values.Select(v => (long)v)];
            var rows = Documents is null ? Rows : 1;
            return new(name, SafetensorsType.I64, [rows, wide.Length / rows], MemoryMarshal.AsBytes(wide.AsSpan()).ToArray());
        }
        SafetensorsSource Floats(string name, double[] values)
        {
            var size = name == "greedy_margin" ? runs[0].Outputs["logits"] : values;
            tolerance[name] = new JsonObject { ["abs"] = Tolerance * Math.Sqrt(size.Average(v => v * v)), ["rel"] = 0 };
            var rows = Documents is null ? Rows : name.Contains("_state", StringComparison.Ordinal) ? Documents.Length : 1;
            long[] shape = name.StartsWith("ssm_state", StringComparison.Ordinal) ? [config.Int("mamba_num_heads", 128), config.Int("mamba_head_dim", 64), config.Int("ssm_state_size", 128)]
                : name.StartsWith("conv_state", StringComparison.Ordinal) ? [values.Length / rows / config.Int("conv_kernel", 4), config.Int("conv_kernel", 4)] : [values.Length / rows];
            return new(name, SafetensorsType.F32, [rows, .. shape], MemoryMarshal.AsBytes(Array.ConvertAll(values, v => (float)v).AsSpan()).ToArray());
        }
    }
}
