// Files of the hostile corpus that are not stored but described: {"parts": [...]}.
using System.Text;
using System.Text.Json;

namespace Aerie.Tests;

static class Generated
{
    /// <summary>Writes the file that the recipe describes.</summary>
    internal static string File(JsonElement recipe, string path)
    {
        using var file = System.IO.File.Create(path);
        using var zipped = recipe.TryGetProperty("gzip", out var gzip) && gzip.GetBoolean() ? new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionLevel.Fastest) : null;
        foreach (var part in recipe.GetProperty("parts").EnumerateArray()) (zipped ?? (Stream)file).Write(Bytes(part));
        return path;
    }

    static byte[] Bytes(JsonElement part)
    {
        if (part.TryGetProperty("text", out var text)) return Encoding.UTF8.GetBytes(text.GetString()!);
        if (part.TryGetProperty("base64", out var bytes)) return bytes.GetBytesFromBase64();
        byte[] unit = [.. part.GetProperty("repeat").EnumerateArray().SelectMany(Bytes)];
        var all = new byte[unit.Length * part.GetProperty("times").GetInt32()];
        for (var i = 0; i < all.Length; i += unit.Length) unit.CopyTo(all, i);
        return all;
    }
}
