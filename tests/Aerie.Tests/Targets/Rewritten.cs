// A golden checkpoint with something changed: what must not change the result, or must be refused.
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;

namespace Aerie.Tests.Targets;

static class Rewritten
{
    internal static readonly int[] Text = [3, 11, 42, 7, 19, 60, 5, 33, 27, 8, 51];

    /// <summary>Copies a case into a folder, with other keys in its config and other tensors.</summary>
    internal static string Copy(string name, TemporaryFolder folder, Action<JsonObject>? config = null, Action<Dictionary<string, (int[] Shape, float[] Values)>>? tensors = null)
    {
        var json = JsonNode.Parse(File.ReadAllText(Golden.Path("models", name, "config.json")))!.AsObject();
        config?.Invoke(json);
        File.WriteAllText(folder.File("config.json"), json.ToJsonString());
        using var files = SafetensorsFolder.Open(Golden.Path("models", name));
        var all = files.Entries.ToDictionary(e => e.Name, e => (Array.ConvertAll([.. e.Shape], n => (int)n), files.ReadFloat32(e.Name)));
        tensors?.Invoke(all);
        SafetensorsWriter.Write(folder.File("model.safetensors"), all.Select(t => new SafetensorsSource(t.Key, SafetensorsType.F32, [.. t.Value.Item1.Select(n => (long)n)], MemoryMarshal.AsBytes(t.Value.Item2.AsSpan()).ToArray())));
        return folder.Path;
    }

    /// <summary>Logits of <see cref="Text"/>, read in pieces of so many tokens.</summary>
    internal static float[] Logits(string path, int piece = 100, Precision precision = Precision.F32)
    {
        using var target = Target.Load(path, precision);
        using var work = new TargetWorkspace(Text.Length, Text.Length);
        using var rows = new PassRows(Text.Length);
        using var cache = target.NewCache(Text.Length);
        var logits = new List<float>();
        for (var at = 0; at < Text.Length; at += piece)
        {
            var part = Text.AsSpan(at, Math.Min(piece, Text.Length - at));
            rows.Clear();
            rows.Add(cache.Sequences[0], part);
            target.Forward(rows, cache, work);
            logits.AddRange(target.Logits(work, [.. Enumerable.Range(0, part.Length)]).ToArray());
        }
        return [.. logits];
    }
}
