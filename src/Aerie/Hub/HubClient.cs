// What a hub does for us: a revision's commit, its list of files, one file, a whole snapshot. The cache answers where it can; where the hub
// cannot be asked, it answers where it must. Outcomes and errors are those of Python's huggingface_hub (tests/golden/hub).
namespace Aerie.Hub;

sealed class HubClient(HubHttp http) : IDisposable
{
    const int AtOnce = 4, MaxFiles = 1_000_000, MaxPages = 10_000;

    HubSettings Settings => http.Settings;

    /// <summary>The commit of a revision, by the hub; with <paramref name="patient"/>, asked again when the hub is out of breath.</summary>
    public async Task<string> Describe(HubRepository repository, string revision, bool patient, CancellationToken cancellation)
    {
        var address = http.Address($"{repository.Api}/revision/{Uri.EscapeDataString(revision)}");
        var (root, _) = await Ask(repository, revision, () => Tried(e => patient && e.Status is not null, stop => http.Json(address, stop), cancellation)).ConfigureAwait(false);
        return root.ValueKind == System.Text.Json.JsonValueKind.Object && root.TryGetProperty("sha", out var sha) && sha.ValueKind == System.Text.Json.JsonValueKind.String && sha.GetString() is { } commit && HubRepository.IsCommit(commit) ? commit
            : throw new HubException(HubProblem.Refused, $"{address}: the answer names no commit.", "Check HF_ENDPOINT: is it a hub?");
    }

    /// <summary>The files of a revision, by the hub.</summary>
    public async Task<IReadOnlyList<HubFile>> List(HubRepository repository, string revision, CancellationToken cancellation)
    {
        var (files, pages) = (new List<HubFile>(), 0);
        for (var address = http.Address($"{repository.Api}/tree/{Uri.EscapeDataString(revision)}?recursive=true&expand=false"); address is not null;)
        {
            var page = address;
            var (root, next) = await Ask(repository, revision, () => Tried(null, stop => http.Json(page, stop), cancellation)).ConfigureAwait(false);
            files.AddRange(HubTree.ReadPage(root));
            if (++pages > MaxPages || files.Count > MaxFiles) throw new HubException(HubProblem.Refused, $"{repository.Id}: the list of its files has no end.", "Check HF_ENDPOINT: is it a hub?");
            address = next;
        }
        return files;
    }

    /// <summary>The folder of a revision with all files that <paramref name="wanted"/> matches.</summary>
    /// <param name="repository">Whose.</param>
    /// <param name="revision">Branch, tag, refs/pr/N, or commit.</param>
    /// <param name="wanted">Which of the files of the commit.</param>
    /// <param name="progress">Receives bytes.</param>
    /// <param name="force">Fetch again what is there.</param>
    /// <param name="cancellation">Stops; what has arrived of a file is kept for the next run.</param>
    /// <exception cref="HubException">As its <see cref="HubException.Problem"/> says.</exception>
    public async Task<string> Snapshot(HubRepository repository, string revision, Func<IReadOnlyList<HubFile>, IEnumerable<HubFile>> wanted, IProgress<Progress>? progress = null, bool force = false, CancellationToken cancellation = default)
    {
        CheckRevision(revision);
        var cache = new HubCache(Settings, repository);
        var known = cache.Commit(revision);
        if (Settings.Offline) return Cached(cache, repository, revision, known, wanted, null);
        if (!force && known == revision && cache.Tree(known) is { } stored && Missing(cache, known, wanted(stored)).Count == 0) return cache.Snapshot(known);
        string commit;
        IReadOnlyList<HubFile>? listed = null, files;
        try
        {
            commit = known == revision ? known : await Describe(repository, revision, patient: known is null, cancellation).ConfigureAwait(false);
            files = cache.Tree(commit) ?? (listed = await List(repository, commit, cancellation).ConfigureAwait(false));
        }
        catch (HubException e) when (e.Problem is not (HubProblem.RevisionNotFound or HubProblem.BadName))
        {
            if (!force && known is not null && Directory.Exists(cache.Snapshot(known))) return Cached(cache, repository, revision, known, wanted, e);
            throw Silent(e) ? NotCached(Name(repository, revision), e) : e;
        }
        cache.Begin(revision, commit);
        if (listed is not null) cache.WriteTree(commit, listed);
        // The list of shards last: a loader that finds it finds the shards.
        var missing = (force ? wanted(files) : Missing(cache, commit, wanted(files))).OrderBy(f => f.Path.EndsWith(".index.json", StringComparison.Ordinal)).ToList();
        if (missing.Count == 0) return cache.Snapshot(commit);

        if (missing.Sum(cache.Room) is var room && Machine.FreeDiskBytes(Settings.Cache) is { } free && free < room)
            throw new MachineException($"{repository.Id} needs {room / 1e9:0.0} GB more of disk, and {Settings.Cache} has {free / 1e9:0.0} GB.", "Make room, or set HF_HUB_CACHE to a folder on a larger disk.");
        var tally = new Tally(progress, $"download {repository.Id}", missing.Sum(f => f.Size), missing.Count);
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (file, stop) =>
        {
            await Ask(repository, revision, async () =>
            {
                await Fetch(cache, http.FileAddress(repository, commit, file.Path), null, commit, file.Path, file.Etag, file.Size, force, tally.Arrived, stop).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
            tally.FileDone();
        }).ConfigureAwait(false);
        return cache.Snapshot(commit);
    }

    /// <summary>One file of a revision.</summary>
    /// <inheritdoc cref="Snapshot"/>
    public async Task<string> File(HubRepository repository, string revision, string path, IProgress<Progress>? progress = null, bool force = false, CancellationToken cancellation = default)
    {
        CheckRevision(revision);
        if (!HubRepository.IsPath(path)) throw new HubException(HubProblem.BadName, $"`{path}` is not the path of a file in a repository.", "Give a relative path with slashes, without `..`.");
        var cache = new HubCache(Settings, repository);
        var known = cache.Commit(revision);
        var here = known is not null && cache.Has(known, path) ? cache.InSnapshot(known, path) : null;
        if (here is not null && (Settings.Offline || (known == revision && !force))) return here;
        var name = $"{path} of {Name(repository, revision)}";
        if (Settings.Offline) throw NotCached(name, null);
        FileFacts facts;
        try
        {
            facts = await Look(repository, revision, path, cancellation, patient: here is null && !force).ConfigureAwait(false);
            if (facts.Commit is null || !HubRepository.IsCommit(facts.Commit) || facts.Etag is null || !BlobHash.IsChecksum(facts.Etag))
                throw new HubException(HubProblem.Unreachable, $"{name}: the answer names no commit or no checksum.", "Is HF_ENDPOINT a hub, and is there a proxy between?");
        }
        catch (HubException e)
        {
            if (e is { Problem: HubProblem.EntryNotFound, Commit: { } of } && HubRepository.IsCommit(of))
            {
                cache.Begin(revision, of);
                cache.WriteAbsent(of, path);
            }
            if (e.Problem is HubProblem.EntryNotFound or HubProblem.RevisionNotFound) throw;
            if (here is not null && !force) return here;
            throw !force && Silent(e) ? NotCached(name, e) : e;
        }
        cache.Begin(revision, facts.Commit);
        var tally = new Tally(progress, $"download {repository.Id}", facts.Size ?? 0, 1);
        await Ask(repository, revision, async () =>
        {
            await Fetch(cache, http.FileAddress(repository, facts.Commit, path), facts.Address, facts.Commit, path, facts.Etag, facts.Size, force, tally.Arrived, cancellation).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return cache.InSnapshot(facts.Commit, path);
    }

    /// <summary>What the hub says of a file.</summary>
    public Task<FileFacts> Look(HubRepository repository, string revision, string path, CancellationToken cancellation, bool patient = true) =>
        Ask(repository, revision, () => Tried(_ => patient, stop => http.Look(http.FileAddress(repository, revision, path), stop), cancellation));

    async Task Fetch(HubCache cache, Uri address, Uri? shortcut, string commit, string path, string etag, long? size, bool force, Action<long>? arrived, CancellationToken cancellation)
    {
        using var taken = await cache.Lock(etag, http.Waits, cancellation).ConfigureAwait(false);
        if (!force && cache.HasBlob(etag, size))
        {
            cache.Place(null, etag, commit, path);
            arrived?.Invoke(size ?? 0);
            return;
        }
        var partial = cache.OpenPartial(etag);
        using (var download = new BlobDownload(http, address, shortcut, etag, size, arrived)) await download.Run(partial, cancellation).ConfigureAwait(false);
        cache.Place(partial, etag, commit, path);
    }

    Task<T> Tried<T>(Func<TransientException, bool>? again, Func<CancellationToken, Task<T>> action, CancellationToken cancellation) => new Patience(http.Waits, again).Try(action, cancellation);

    static List<HubFile> Missing(HubCache cache, string commit, IEnumerable<HubFile> wanted) => [.. wanted.Where(f => !cache.Has(commit, f.Path, f.Size))];

    // A snapshot without a stored list counts as whole: nobody knows better.
    static string Cached(HubCache cache, HubRepository repository, string revision, string? commit, Func<IReadOnlyList<HubFile>, IEnumerable<HubFile>> wanted, HubException? why)
    {
        var name = Name(repository, revision);
        if (commit is null || !Directory.Exists(cache.Snapshot(commit))) throw NotCached(name, why);
        var missing = cache.Tree(commit) is { } files ? Missing(cache, commit, wanted(files)) : [];
        if (missing.Count == 0) return cache.Snapshot(commit);
        if (why?.Problem is HubProblem.Gated or HubProblem.RepositoryNotFound or HubProblem.Refused) throw why;
        throw new HubException(HubProblem.Incomplete, $"{name}: {missing.Count} of its files are not in the cache ({missing[0].Path}), and the hub was not asked{(why is null ? "" : $": {why.Message}")}", Way(why), why);
    }

    static string Name(HubRepository repository, string revision) => revision == "main" ? repository.Id : $"{repository.Id}@{revision}";

    // It becomes the name of a file.
    static void CheckRevision(string revision)
    {
        if (!HubRepository.IsPath(revision)) throw new HubException(HubProblem.BadName, $"`{revision}` is not a revision.", "Give a branch, a tag, refs/pr/N or a commit.");
    }

    // The hub could not say anything about it.
    static bool Silent(HubException e) => e.Problem is HubProblem.Disabled or HubProblem.Unreachable || e.InnerException is TransientException;

    static HubException NotCached(string name, HubException? why) => new(HubProblem.NotCached, $"{name} is not in the cache, and the hub {(why is null ? "is not asked (HF_HUB_OFFLINE)." : $"does not give it: {why.Message}")}", Way(why), why);

    static string Way(HubException? why) => why is null ? "Unset HF_HUB_OFFLINE, or fetch it once where there is a network." : why.Hint ?? "Check the network and HF_ENDPOINT; a model that was fetched once is read from the cache.";

    // The hub's answers in words for people, and failures that did not pass in the end.
    async Task<T> Ask<T>(HubRepository repository, string revision, Func<Task<T>> request)
    {
        try
        {
            return await request().ConfigureAwait(false);
        }
        catch (TransientException e)
        {
            throw new HubException(e.Status is null ? HubProblem.Unreachable : HubProblem.Refused, e.Message, "Check the network and HF_ENDPOINT; a model that was fetched once is read from the cache.", e);
        }
        catch (HubException e) when (e.Hint is null)
        {
            var page = Settings.Endpoint + repository.Page;
            var (what, hint) = e.Problem switch
            {
                HubProblem.Gated => ($"{repository.Id} is gated: its makers want their licence accepted{(Settings.Token is null ? "" : ", and the account of this token has not done it")}.", $"Accept the licence at {page} and set HF_TOKEN."),
                HubProblem.RepositoryNotFound => ($"{repository.Id}: there is no such {(repository.Dataset ? "data set" : "model")} at {Settings.Endpoint}, or it is private.", Settings.Token is null ? "Did you mistype it? For a private one set HF_TOKEN." : "Did you mistype it? For a private one, HF_TOKEN must be of an account that may read it."),
                HubProblem.RevisionNotFound => ($"{repository.Id} has no revision `{revision}`.", $"The branches and tags are at {page}/tree/main."),
                HubProblem.EntryNotFound => ($"{e.Message}: no such file at revision `{revision}`.", $"The files are at {page}/tree/{revision}."),
                HubProblem.Disabled => ($"{repository.Id} has been disabled by the hub.", $"See {page}."),
                _ when e.Message.Contains(" 401 ", StringComparison.Ordinal) => (e.Message, "The hub does not know this token: set HF_TOKEN to a valid one, or unset it."),
                _ => (e.Message, "Check HF_ENDPOINT and the proxy; else try again later."),
            };
            throw new HubException(e.Problem, what, hint, e) { Commit = e.Commit };
        }
    }

    public void Dispose() => http.Dispose();
}

/// <summary>Bytes of a download for the progress bar.</summary>
sealed class Tally
{
    readonly IProgress<Progress>? progress;
    readonly string stage;
    readonly long total;
    readonly int files;
    long done;
    int filesDone;

    public Tally(IProgress<Progress>? progress, string stage, long total, int files) => (this.progress, this.stage, this.total, this.files) = (progress, stage, total, files);

    public void Arrived(long bytes) => progress?.Report(new Progress(stage, Interlocked.Add(ref done, bytes), total, $"{Volatile.Read(ref filesDone)} of {files} files, {(total < 1e9 ? $"{total / 1e6:0} MB" : $"{total / 1e9:0.0} GB")}"));

    public void FileDone()
    {
        Interlocked.Increment(ref filesDone);
        Arrived(0);
    }
}
