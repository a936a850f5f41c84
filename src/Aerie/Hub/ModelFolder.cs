// The door: whatever names a model becomes a local folder. A folder wins; else `org/name[@revision]` is taken from the cache or the hub.
namespace Aerie.Hub;

/// <summary>How much of a model is needed.</summary>
public enum ModelParts
{
    /// <summary>All that it takes to run it.</summary>
    All,
    /// <summary>Configuration, tokenizer and templates, without the weights: some megabytes.</summary>
    Description,
}

/// <summary>Finds the folder of a model.</summary>
public static class ModelFolder
{
    /// <summary>The local folder of a model.</summary>
    /// <param name="text">A folder, or <c>org/name</c> or <c>org/name@revision</c> of a hub (a branch, a tag, a commit).</param>
    /// <param name="progress">Receives how far a download is.</param>
    /// <param name="parts">How much of it is fetched.</param>
    /// <param name="cancellation">Stops a download; the next one goes on where it stopped.</param>
    /// <exception cref="AerieException">No such folder and no such model, or the hub does not give it: a sentence and what to do.</exception>
    public static string Resolve(string text, IProgress<Progress>? progress = null, ModelParts parts = ModelParts.All, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Directory.Exists(text) || !IsId(text)) return text;
        using var client = new HubClient(new HubHttp(HubSettings.FromEnvironment()));
        try
        {
            return ResolveAsync(client, text, progress, parts, cancellation).GetAwaiter().GetResult();
        }
        catch (HubException e) when (e.Problem is HubProblem.RepositoryNotFound or HubProblem.NotCached)
        {
            throw new HubException(e.Problem, $"{text}: no such folder here; {e.Message}", e.Hint, e);      // it may have been meant as a path
        }
    }

    /// <summary>What people call the model in a folder: its id where the folder is a snapshot of a hub's cache, else the folder's name.</summary>
    public static string NameOf(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var parts = full.Split('/', '\\');
        return parts is [.., var repository, "snapshots", _] && repository.StartsWith("models--", StringComparison.Ordinal) ? repository["models--".Length..].Replace("--", "/", StringComparison.Ordinal) : parts[^1];
    }

    /// <summary>Is this the form of a hub's id, <c>org/name[@revision]</c>, and no file or folder that is here?</summary>
    public static bool IsId(string text) => !Path.Exists(text) && text.Split('@', 2)[0] is var id && id.Contains('/', StringComparison.Ordinal) && HubRepository.IsId(id) && !text.EndsWith('@');

    internal static Task<string> ResolveAsync(HubClient client, string text, IProgress<Progress>? progress, ModelParts parts, CancellationToken cancellation)
    {
        var at = text.Split('@', 2);
        return client.Snapshot(new HubRepository(at[0]), at.Length > 1 ? at[1] : "main", files => Needed(files, parts), progress, cancellation: cancellation);
    }

    /// <summary>The files of a model that we read: not the same weights again in another form (.bin, .gguf, onnx/, original/, consolidated.*), no pictures, no training state.</summary>
    internal static IEnumerable<HubFile> Needed(IReadOnlyList<HubFile> files, ModelParts parts)
    {
        var weights = files.Where(f => f.Path.EndsWith(".safetensors", StringComparison.Ordinal) && !f.Path.Contains('/', StringComparison.Ordinal) && !f.Path.StartsWith("consolidated", StringComparison.Ordinal)).ToList();
        // Shards, or one file: where a repository has both, the list of shards is what loaders follow.
        var shards = weights.Where(f => f.Path.Contains("-of-", StringComparison.Ordinal)).ToList();
        if (shards.Count > 0 && files.FirstOrDefault(f => f.Path == "model.safetensors.index.json") is { } index) weights = [.. shards, index];
        else if (weights.Find(f => f.Path == "model.safetensors") is { } whole) weights = [whole];
        var texts = files.Where(f => Small.Contains(f.Path) || (f.Path.StartsWith("additional_chat_templates/", StringComparison.Ordinal) && f.Path.EndsWith(".jinja", StringComparison.Ordinal)));
        return parts == ModelParts.All ? texts.Concat(weights) : texts;
    }

    static readonly HashSet<string> Small = new(StringComparer.Ordinal)
    {
        "config.json", "generation_config.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "vocab.json", "merges.txt",
        "chat_template.jinja", "chat_template.json",
    };
}
