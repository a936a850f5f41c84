// The files of a commit: as the hub lists them, and as the cache keeps the list (trees/<commit>.json, version 1).
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Aerie.Hub;

/// <summary>A file of a commit.</summary>
/// <param name="Path">Its path, with slashes.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="BlobId">The git id: of the content, or of the pointer where <paramref name="Sha256"/> is there.</param>
/// <param name="Sha256">The checksum of a file of the large-file storage; else null.</param>
/// <param name="LargeSize">Its size there.</param>
/// <param name="XetHash">Its name in the xet storage; kept for Python, not used.</param>
sealed record HubFile(string Path, long Size, string BlobId, string? Sha256 = null, long LargeSize = 0, string? XetHash = null)
{
    /// <summary>The name of its blob, which is the checksum of its content.</summary>
    public string Etag => Sha256 ?? BlobId;
}

static class HubTree
{
    /// <summary>A page of a listing, files only.</summary>
    /// <exception cref="HubException">It is no such page, or names files that no repository can have.</exception>
    public static IEnumerable<HubFile> ReadPage(JsonElement page)
    {
        if (page.ValueKind != JsonValueKind.Array) throw Odd("a listing is not a list");
        foreach (var entry in page.EnumerateArray())
        {
            if (Text(entry, "type") != "file") continue;
            var large = entry.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object;
            yield return Checked(new HubFile(Text(entry, "path") ?? "", Whole(entry, "size"), Text(entry, "oid") ?? "", large ? Text(lfs, "oid") : null, large ? Whole(lfs, "size") : 0, Text(entry, "xetHash")))
                ?? throw Odd($"the entry `{Text(entry, "path")}` has no usable path, size or checksum");
        }
    }

    /// <summary>The stored list; null where the text is anything else: then it counts as not stored.</summary>
    public static IReadOnlyList<HubFile>? Read(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (!document.RootElement.TryGetProperty("format_version", out var version) || version.GetInt32() != 1) return null;
            var files = new List<HubFile>();
            foreach (var entry in document.RootElement.GetProperty("files").EnumerateObject())
            {
                var f = entry.Value;
                if (Checked(new HubFile(entry.Name, Whole(f, "size"), Text(f, "blob_id") ?? "", Text(f, "lfs_sha256"), Whole(f, "lfs_size", 0), Text(f, "xet_hash"))) is not { } file) return null;
                files.Add(file);
            }
            return files;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    /// <summary>The list as Python stores it: paths in order, one blank of indent, no line end.</summary>
    public static byte[] Write(IEnumerable<HubFile> files)
    {
        var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, IndentSize = 1, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("format_version", 1);
            json.WriteStartObject("files");
            foreach (var file in files.OrderBy(f => f.Path, StringComparer.Ordinal))
            {
                json.WriteStartObject(file.Path);
                json.WriteNumber("size", file.Size);
                json.WriteString("blob_id", file.BlobId);
                if (file.Sha256 is not null)
                {
                    json.WriteString("lfs_sha256", file.Sha256);
                    json.WriteNumber("lfs_size", file.LargeSize);
                }
                if (file.XetHash is not null) json.WriteString("xet_hash", file.XetHash);
                json.WriteEndObject();
            }
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    static HubFile? Checked(HubFile file) => HubRepository.IsPath(file.Path) && file.Size >= 0 && BlobHash.IsChecksum(file.Etag) ? file : null;

    static string? Text(JsonElement of, string name) => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static long Whole(JsonElement of, string name, long otherwise = -1) => of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var n) ? n : otherwise;

    static HubException Odd(string what) => new(HubProblem.Refused, $"the hub's answer cannot be used: {what}.", "Check HF_ENDPOINT: is it a hub?");
}
