// What the replayed hub holds, who may see it, and how it speaks of it: the `repositories` and `server` of a case.
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Aerie.Parity.Replay;

/// <summary>A file of a commit of the case.</summary>
sealed record HubCaseFile(string Path, int Size, string Sha256, string Git, bool Large, string? Xet)
{
    public string Etag => Large ? Sha256 : Git;
}

/// <summary>The repositories of a case.</summary>
sealed class HubContents
{
    readonly Dictionary<string, (string Access, Dictionary<string, string> Refs, Dictionary<string, HubCaseFile[]> Commits)> repositories = new(StringComparer.Ordinal);
    readonly JsonElement server;
    readonly string folder;

    /// <summary>Reads a case's parameters.</summary>
    public HubContents(CaseFolder @case)
    {
        server = @case.Parameters.GetProperty("server");
        folder = Path.Combine(@case.Path, @case.Text("contents", "contents"));
        foreach (var repository in @case.Parameters.GetProperty("repositories").EnumerateObject())
            repositories[repository.Name] = (repository.Value.GetProperty("access").GetString()!,
                repository.Value.GetProperty("refs").EnumerateObject().ToDictionary(r => r.Name, r => r.Value.GetString()!, StringComparer.Ordinal),
                repository.Value.GetProperty("commits").EnumerateObject().ToDictionary(c => c.Name, c => c.Value.EnumerateObject().Select(f => File(f.Name, f.Value)).ToArray(), StringComparer.Ordinal));
    }

    /// <summary>The origins, once they are known.</summary>
    public string Hub { get; set; } = "";

    /// <inheritdoc cref="Hub"/>
    public string Cdn { get; set; } = "";

    /// <summary>The tokens that exist.</summary>
    public IReadOnlyList<string> Tokens => [.. server.GetProperty("tokens").EnumerateArray().Select(t => t.GetString()!)];

    /// <summary>Every file of every commit.</summary>
    public IEnumerable<HubCaseFile> Files => repositories.Values.SelectMany(r => r.Commits.Values).SelectMany(f => f);

    /// <summary>The files of a commit of any repository.</summary>
    public HubCaseFile[] Commit(string commit) => repositories.Values.Select(r => r.Commits.GetValueOrDefault(commit)).First(c => c is not null)!;

    /// <summary>Moves a branch, if the commit is one of the repository's.</summary>
    public void Move(string repository, string revision, string commit)
    {
        if (repositories.TryGetValue(repository, out var r) && r.Refs.ContainsKey(revision) && r.Commits.ContainsKey(commit)) r.Refs[revision] = commit;
    }

    /// <summary>The bytes of a content: stored, or by the formula.</summary>
    public byte[] Bytes(HubCaseFile file)
    {
        if (file.Size <= 20_000) return System.IO.File.ReadAllBytes(Path.Combine(folder, file.Sha256));
        var bytes = new byte[file.Size];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(131 * i + 7);
        return bytes;
    }

    /// <summary>The answer of the CDN.</summary>
    public HubAnswer CdnFile(string path) => Files.FirstOrDefault(f => path.StartsWith($"/cdn/{f.Sha256}?", StringComparison.Ordinal)) is { } file
        ? new(200, [("ETag", "\"of-the-cdn\""), ("Accept-Ranges", "bytes")], Bytes(file)) : HubAnswer.Text(404, "");

    /// <summary>The answer of the hub.</summary>
    public HubAnswer Answer(string path, string? authorization)
    {
        var question = path.IndexOf('?', StringComparison.Ordinal);
        var (query, parts) = (question < 0 ? "" : path[question..], (question < 0 ? path : path[..question]).Trim('/').Split('/'));
        // [api] (models|datasets) org name (rest), or org name resolve revision path
        var api = parts[0] == "api";
        if (api) parts = parts[1..];
        var direct = api && parts[0] == "resolve-cache";
        if (direct) parts = parts[1..];
        var typed = parts[0] is "models" or "datasets";
        var type = typed ? parts[0] : "models";
        if (typed) parts = parts[1..];
        var name = $"{type}/{string.Join('/', parts.Take(2))}";
        parts = [.. parts.Skip(2).Select(Uri.UnescapeDataString)];
        var known = repositories.TryGetValue(name, out var repository);
        if (Refused(known ? repository.Access : null, authorization, name[(type.Length + 1)..], type) is { } refused) return refused;
        if (direct) return Content(repository.Commits[parts[0]].First(f => f.Path == string.Join('/', parts[1..])), parts[0]);
        if (parts.Length == 0) parts = ["revision", "main"];
        var commit = repository.Refs.GetValueOrDefault(parts[1]) ?? (parts[1].Length >= 7 ? repository.Commits.Keys.FirstOrDefault(c => c.StartsWith(parts[1], StringComparison.Ordinal)) : null);
        if (commit is null) return HubAnswer.Error(404, $"Invalid rev id: {parts[1]}", "RevisionNotFound");
        var files = repository.Commits[commit];
        if (api) return parts[0] == "tree" ? Listing(files, name, parts[1], query) : HubAnswer.Text(200, $"{{\"id\":\"{name[(type.Length + 1)..]}\",\"sha\":\"{commit}\"}}");
        var file = files.FirstOrDefault(f => f.Path == string.Join('/', parts[2..]));
        if (file is null) return HubAnswer.Error(404, "Entry not found", "EntryNotFound", commit);
        var linked = new List<(string, string)> { ("X-Repo-Commit", commit), ("X-Linked-Size", file.Size.ToString(CultureInfo.InvariantCulture)), ("X-Linked-Etag", Etag(file)) };
        if (file.Xet is not null) linked.Add(("X-Xet-Hash", file.Xet));
        if (file.Large) return new(302, [.. linked, ("Location", $"{Cdn}/cdn/{file.Sha256}?Signature=abc&Expires=4102444800")], []);
        return server.GetProperty("indirect").GetBoolean() ? new(307, [.. linked, ("Location", $"/api/resolve-cache/{name}/{commit}/{file.Path}?etag=abc")], []) : Content(file, commit);
    }

    HubAnswer Content(HubCaseFile file, string commit) => new(200, [("X-Repo-Commit", commit), ("Accept-Ranges", "bytes"), ("ETag", Etag(file))], Bytes(file));

    string Etag(HubCaseFile file) => $"{(server.GetProperty("weak").GetBoolean() ? "W/" : "")}\"{file.Etag}\"";

    HubAnswer? Refused(string? access, string? authorization, string id, string type)
    {
        var token = authorization?.Replace("Bearer ", "", StringComparison.Ordinal);
        if (token is not null && !Tokens.Contains(token)) return HubAnswer.Error(401, "Invalid credentials in Authorization header");
        var open = token is not null and not "token-stranger";
        return access switch
        {
            "public" => null,
            "disabled" => HubAnswer.Error(403, "Access to this resource is disabled."),
            "gated" => open ? null : HubAnswer.Error(token is null ? 401 : 403, $"Access to {type[..^1]} {id} is restricted.", "GatedRepo"),
            _ => open && access is not null ? null : HubAnswer.Error(token is null ? 401 : 404, "Repository not found", "RepoNotFound"),
        };
    }

    HubAnswer Listing(HubCaseFile[] files, string name, string revision, string query)
    {
        var page = server.GetProperty("page").GetInt32();
        var from = query.Split("cursor=") is [_, var cursor] ? int.Parse(cursor, CultureInfo.InvariantCulture) : 0;
        var shown = page == 0 ? files : [.. files.Skip(from).Take(page)];
        var entries = shown.Select(f => $$"""{"type":"file","oid":"{{f.Git}}","size":{{f.Size}},"path":"{{f.Path}}"{{(f.Large ? $$""","lfs":{"oid":"{{f.Sha256}}","size":{{f.Size}},"pointerSize":129}""" : "")}}{{(f.Xet is null ? "" : $",\"xetHash\":\"{f.Xet}\"")}}}""");
        var answer = HubAnswer.Text(200, $"[{{\"type\":\"directory\",\"oid\":\"{new string('0', 40)}\",\"size\":0,\"path\":\"a-folder\"}}{string.Concat(entries.Select(e => "," + e))}]");
        if (page > 0 && from + page < files.Length) answer.Headers.Add(("Link", $"<{Hub}/api/{name}/tree/{revision}?recursive=true&expand=false&cursor={from + page}>; rel=\"next\""));
        return answer;
    }

    static HubCaseFile File(string path, JsonElement f)
    {
        var large = f.TryGetProperty("pointer_git", out var pointer);
        var sha256 = f.GetProperty("sha256").GetString()!;
        if (sha256.Length != 64 || !sha256.All(char.IsAsciiHexDigitLower)) throw new AerieException($"case.json: `{sha256}` is no sha256.");
        return new(path, f.GetProperty("size").GetInt32(), sha256, (large ? pointer : f.GetProperty("git")).GetString()!, large, f.TryGetProperty("xet", out var xet) ? xet.GetString() : null);
    }
}
