// The plain implementation proves itself on what was recorded, in both spellings, before it judges anything.
using System.Text.Json.Nodes;
using Aerie.Formats;
using Aerie.Parity;
using Aerie.Parity.Kinds;

namespace Aerie.Tests.Targets.Plain;

public class PlainGoldenTests
{
    public static TheoryData<string> Cases => Golden.Cases("models");

    [Theory, MemberData(nameof(Cases))]
    public void The_plain_implementation_gives_what_was_recorded(string name)
    {
        var path = Golden.Path("models", name);
        var folder = new CaseFolder(path);
        using var expected = SafetensorsFolder.Open(Path.Combine(path, "expected.safetensors"));
        using var files = SafetensorsFolder.Open(path);
        var prefix = expected.Contains("unclamped.logits") ? "unclamped." : "";
        var ids = ModelKind.Int32(expected, "input_ids");
        var length = (int)expected.Get("input_ids").Shape[1];
        int[] offsets = expected.Contains("document_offsets") ? ModelKind.Int32(expected, "document_offsets") : [.. Enumerable.Range(0, ids.Length / length + 1).Select(b => b * length)];
        foreach (var spelling in (string[])["config.json", "config.legacy.json"])
        {
            if (!folder.Has(spelling)) continue;
            var config = new PlainConfig(JsonNode.Parse(File.ReadAllText(folder.File(spelling)).Replace(" Infinity\n", " null\n", StringComparison.Ordinal))!.AsObject());
            var weights = new PlainWeights(files);
            var runs = offsets.Zip(offsets.Skip(1), (from, to) => new PlainModel(config, weights, ids[from..to]).Run()).ToList();
            Assert.Empty(files.Names.Except(weights.Asked.Keys));
            foreach (var output in runs[0].Outputs.Keys)
            {
                var want = output == "embedding_output" ? output : prefix + output;
                float[] got = [.. runs.SelectMany(r => r.Outputs[output]).Select(v => (float)v)];
                var result = output.StartsWith("router_experts", StringComparison.Ordinal)
                    ? folder.Compare(want, Array.ConvertAll(got, e => (int)e), ModelKind.Int32(expected, want)) : folder.Compare(want, got, expected.ReadFloat32(want));
                Assert.True(result.Within, $"{spelling}: {result}");
            }
        }
    }
}
