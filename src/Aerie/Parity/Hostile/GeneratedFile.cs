// Files of the hostile corpus that are not stored but described: {"parts": [{"text"}, {"base64"}, {"repeat": [parts], "times": n}], "gzip": true}.
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Aerie.Parity.Hostile;

static class GeneratedFile
{
    const long MostBytes = 1L << 30;

    /// <summary>Writes the file that is described.</summary>
    internal static void Write(JsonElement description, string path)
    {
        using var file = File.Create(path);
        using var zipped = description.TryGetProperty("gzip", out var gzip) && gzip.GetBoolean() ? new GZipStream(file, CompressionLevel.Fastest) : null;
        Parts(description.GetProperty("parts"), zipped ?? (Stream)file);
    }

    static void Parts(JsonElement parts, Stream to)
    {
        foreach (var part in parts.EnumerateArray())
        {
            if (part.TryGetProperty("text", out var text)) to.Write(Encoding.UTF8.GetBytes(text.GetString()!));
            else if (part.TryGetProperty("base64", out var bytes)) to.Write(bytes.GetBytesFromBase64());
            else Repeated(part, to);
        }
    }

    static void Repeated(JsonElement part, Stream to)
    {
        using var unit = new MemoryStream();
        Parts(part.GetProperty("repeat"), unit);
        var times = part.GetProperty("times").GetInt64();
        if (times < 0 || times * Math.Max(1, unit.Length) > MostBytes) throw new AerieException($"a generated file of {times} x {unit.Length} bytes is too much");
        // Large pieces at once: a million writes of one byte take their time.
        var copies = Math.Max(1, (1 << 16) / Math.Max(1, unit.Length));
        var many = new byte[copies * unit.Length];
        for (var i = 0L; i < copies; i++) unit.ToArray().CopyTo(many, i * unit.Length);
        for (; times >= copies; times -= copies) to.Write(many);
        to.Write(many, 0, (int)(times * unit.Length));
    }
}
