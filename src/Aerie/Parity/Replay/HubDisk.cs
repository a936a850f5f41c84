// The cache of a replay: what the case says should be there, what is there, and what Python's scan would make of it.
using System.Security.Cryptography;
using System.Text.Json;
using Aerie.Hub;

namespace Aerie.Parity.Replay;

/// <summary>The files below $HF_HOME, expected and found. An entry is "link TARGET", "text TEXT", "file SIZE" or "folder".</summary>
sealed class HubDisk(string home, HubContents contents, bool locks)
{
    readonly SortedDictionary<string, string> expected = new(StringComparer.Ordinal);

    /// <summary>Takes over what a step changed. With <paramref name="write"/> it is also done: Python's part of the play.</summary>
    public void Expect(JsonElement cache, bool write)
    {
        foreach (var (part, entry) in from part in (string[])["added", "changed", "removed"] where cache.TryGetProperty(part, out _) from e in cache.GetProperty(part).EnumerateArray() select (part, e))
        {
            var path = entry.GetProperty("path").GetString()!;
            if (Ignored(path)) continue;
            if (part == "removed") expected.Remove(path);
            // A blob that changed holds what its name does not say: the damage that we do not repeat.
            else if (part == "added" || !path.Contains("/blobs/", StringComparison.Ordinal)) expected[path] = Describe(entry);
            if (write) Write(path, entry);
        }
    }

    /// <summary>What differs, or null. <paramref name="ahead"/>: more than expected is right where it is sound; it is expected from now on.</summary>
    public string? Compare(bool ahead)
    {
        var found = Found();
        foreach (var (path, what) in expected)
        {
            if (what == "folder") continue;                                     // found only if empty; the next loop finds what is in it
            if (!found.TryGetValue(path, out var there)) return $"{path} is not there";
            if (there != what) return $"{path} is `{there}` where the case has `{what}`";
        }
        foreach (var (path, there) in found)
        {
            if (path.Contains("/blobs/", StringComparison.Ordinal) && there != "folder" && BlobHash.OfFile(Path.Combine(home, path), Path.GetFileName(path)) is var hash && hash != Path.GetFileName(path)) return $"{path} holds {hash}";
            if (expected.ContainsKey(path) || there == "folder") continue;
            if (!ahead) return $"{path} should not be there";
            expected[path] = there;
        }
        return null;
    }

    /// <summary>Python's scan: (size on disk, files, warnings) as one text, in the order of the record.</summary>
    public string Scan()
    {
        var hub = Path.Combine(home, "hub");
        var (total, lines) = (0L, new List<string>());
        foreach (var folder in Directory.EnumerateDirectories(hub).Order(StringComparer.Ordinal).Where(f => Path.GetFileName(f) != ".locks"))
        {
            var blobs = new Dictionary<string, long>(StringComparer.Ordinal);
            var refs = Directory.Exists(Path.Combine(folder, "refs")) ? Directory.EnumerateFiles(Path.Combine(folder, "refs"), "*", SearchOption.AllDirectories)
                .ToLookup(File.ReadAllText, f => Path.GetRelativePath(Path.Combine(folder, "refs"), f).Replace('\\', '/'), StringComparer.Ordinal) : Array.Empty<string>().ToLookup(f => f);
            var snapshots = Path.Combine(folder, "snapshots");
            if (refs.FirstOrDefault(r => !Directory.Exists(Path.Combine(snapshots, r.Key))) is { } dangling) return $"the ref {dangling.First()} names no snapshot";
            foreach (var snapshot in Directory.EnumerateDirectories(snapshots).Order(StringComparer.Ordinal))
            {
                var files = Directory.EnumerateFiles(snapshot, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(snapshot, f).Replace('\\', '/'), f => File.ResolveLinkTarget(f, true)?.FullName ?? f, StringComparer.Ordinal);
                foreach (var blob in files.Values.Distinct()) blobs[blob] = new FileInfo(blob).Length;
                lines.Add($"{Path.GetFileName(folder)} {Path.GetFileName(snapshot)} [{string.Join(' ', refs[Path.GetFileName(snapshot)].Order(StringComparer.Ordinal))}] {string.Join(' ', files.Keys.Order(StringComparer.Ordinal))}");
            }
            total += blobs.Values.Sum();
        }
        return string.Join('\n', lines.Prepend($"{total}"));
    }

    /// <summary>The recorded scan in the same words.</summary>
    public static string Scanned(JsonElement returned) => string.Join('\n', returned.GetProperty("repositories").EnumerateArray()
        .SelectMany(r => r.GetProperty("revisions").EnumerateObject().OrderBy(c => c.Name, StringComparer.Ordinal).Select(c =>
            $"{r.GetProperty("repo_type").GetString()}s--{r.GetProperty("repo_id").GetString()!.Replace("/", "--", StringComparison.Ordinal)} {c.Name} [{Words(c.Value.GetProperty("refs"))}] {Words(c.Value.GetProperty("files"))}"))
        .Prepend($"{returned.GetProperty("size_on_disk").GetInt64()}"));

    static string Words(JsonElement list) => string.Join(' ', list.EnumerateArray().Select(f => f.GetString()!).Order(StringComparer.Ordinal));

    // Partial files have other names and other fates here; locks are recorded in some cases only; the rest is not the cache of models and data sets.
    bool Ignored(string path) => !path.StartsWith("hub/", StringComparison.Ordinal) || path.EndsWith(".incomplete", StringComparison.Ordinal) || (!locks && path.StartsWith("hub/.locks", StringComparison.Ordinal));

    static string Describe(JsonElement entry) => entry.TryGetProperty("link", out var link) ? $"link {link.GetString()}" : entry.TryGetProperty("text", out var text) ? $"text {text.GetString()}" : entry.TryGetProperty("folder", out _) ? "folder"
        : $"file {entry.GetProperty("size").GetInt64()}{(entry.TryGetProperty("sha256", out var sha) ? $" {sha.GetString()}" : "")}";

    SortedDictionary<string, string> Found()
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (!Directory.Exists(home)) return found;
        foreach (var entry in new DirectoryInfo(home).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(home, entry.FullName).Replace('\\', '/');
            if (Ignored(path)) continue;
            if (entry.LinkTarget is { } link) found[path] = $"link {link}";
            else if (entry is FileInfo file)
                found[path] = path.Contains("/refs/", StringComparison.Ordinal) ? $"text {File.ReadAllText(file.FullName)}"
                    : path.Contains("/blobs/", StringComparison.Ordinal) || file.Length == 0 ? $"file {file.Length}" : $"file {file.Length} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file.FullName)))}";
        }
        return found;
    }

    void Write(string path, JsonElement entry)
    {
        var full = Path.Combine(home, path);
        if (Path.Exists(full) && !path.Contains("/refs/", StringComparison.Ordinal)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        var name = Path.GetFileName(path);
        if (entry.TryGetProperty("folder", out _)) Directory.CreateDirectory(full);
        else if (entry.TryGetProperty("link", out var link)) File.CreateSymbolicLink(full, link.GetString()!);
        else if (entry.TryGetProperty("text", out var text)) File.WriteAllText(full, text.GetString());
        else if (entry.GetProperty("size").GetInt64() == 0) File.WriteAllBytes(full, []);
        else if (name == "CACHEDIR.TAG") File.WriteAllText(full, HubCache.Tag);
        else if (path.Contains("/trees/", StringComparison.Ordinal)) File.WriteAllBytes(full, HubTree.Write(contents.Commit(Path.GetFileNameWithoutExtension(name)).Select(f => new HubFile(f.Path, f.Size, f.Git, f.Large ? f.Sha256 : null, f.Size, f.Xet))));
        else if (contents.Files.FirstOrDefault(f => f.Etag == name) is { } file) File.WriteAllBytes(full, contents.Bytes(file));
    }
}
