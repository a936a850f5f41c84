// Hugging Face's own cache on disk, for one repository; Python reads what we write and we read what Python wrote:
//   $HF_HUB_CACHE/models--org--name/ blobs/<checksum>  snapshots/<commit>/<path> -> ../../blobs/<checksum>  refs/<revision>  trees/<commit>.json  .no_exist/<commit>/<path>
//   $HF_HUB_CACHE/.locks/models--org--name/<checksum>.lock
// Nothing of ours lies where Python's scan would take it for damage: temporary files are in the repository's folder, partial blobs are `.incomplete`.
using System.Text;

namespace Aerie.Hub;

sealed class HubCache(HubSettings settings, HubRepository repository)
{
    internal const string Tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n";
    const long MaxTreeBytes = 256 << 20;

    readonly string folder = Path.Combine(settings.Cache, repository.Folder);
    readonly string root = settings.Cache;

    /// <summary>The folder that a commit is read from.</summary>
    public string Snapshot(string commit) => Path.Combine(folder, "snapshots", commit);

    /// <summary>A file of a commit; it may not be there.</summary>
    public string InSnapshot(string commit, string path) => Path.Combine(Snapshot(commit), path);

    /// <summary>A blob; it may not be there.</summary>
    public string Blob(string etag) => Path.Combine(folder, "blobs", etag);

    /// <summary>Where a blob grows. Python never reads it; the next run goes on with it.</summary>
    public string Partial(string etag) => Blob(etag) + ".incomplete";

    /// <summary>The commit of a revision as far as the cache knows; null: not at all.</summary>
    public string? Commit(string revision)
    {
        if (HubRepository.IsCommit(revision)) return revision;
        if (!HubRepository.IsPath(revision)) return null;
        var path = Path.Combine(folder, "refs", revision);
        if (!File.Exists(path) || new FileInfo(path).Length > 1000) return null;
        return File.ReadAllText(path).Trim() is var commit && HubRepository.IsCommit(commit) ? commit : null;
    }

    /// <summary>Is the file of the commit here? With <paramref name="size"/>: and as long as it should be?</summary>
    public bool Has(string commit, string path, long? size = null) => IsFile(InSnapshot(commit, path), size);

    /// <summary>The stored list of a commit's files; null: none, or none that can be used.</summary>
    public IReadOnlyList<HubFile>? Tree(string commit)
    {
        var path = TreePath(commit);
        return IsFile(path, null) && new FileInfo(path).Length < MaxTreeBytes ? HubTree.Read(File.ReadAllBytes(path)) : null;
    }

    /// <summary>Stores the list of a commit's files, if it can: it only saves a request.</summary>
    public void WriteTree(string commit, IEnumerable<HubFile> files)
    {
        try
        {
            Write(TreePath(commit), HubTree.Write(files));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }      // a cache that others keep, whole without us
    }

    /// <summary>Begins a commit: its folder, and the revision's name for it (the 40 digits, no line end), unless the revision is the commit.</summary>
    public void Begin(string revision, string commit)
    {
        Directory.CreateDirectory(Snapshot(commit));            // before the ref: a ref to nothing is damage
        if (revision != commit && Commit(revision) != commit) Write(Path.Combine(folder, "refs", revision), Encoding.ASCII.GetBytes(commit));
    }

    /// <summary>Notes that a commit has no such file.</summary>
    public void WriteAbsent(string commit, string path)
    {
        var file = Path.Combine(folder, ".no_exist", commit, path);
        if (!File.Exists(file)) Write(file, []);
    }

    /// <summary>Has it been noted that a commit has no such file?</summary>
    public bool IsAbsent(string commit, string path) => File.Exists(Path.Combine(folder, ".no_exist", commit, path));

    /// <summary>Is the blob here and whole? One of another length than announced does not count.</summary>
    public bool HasBlob(string etag, long? size) => IsFile(Blob(etag), size);

    /// <summary>Bytes that a file still takes on the disk.</summary>
    public long Room(HubFile file) => HasBlob(file.Etag, file.Size) ? 0 : new FileInfo(Partial(file.Etag)) is { Exists: true } partial ? Math.Max(0, file.Size - partial.Length) : file.Size;

    /// <summary>Waits until no other process fetches this blob.</summary>
    public async Task<IDisposable> Lock(string etag, TimeProvider waits, CancellationToken cancellation)
    {
        var path = Path.Combine(root, ".locks", repository.Folder, etag + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (!File.Exists(Path.Combine(root, "CACHEDIR.TAG"))) Write(Path.Combine(root, "CACHEDIR.TAG"), Encoding.ASCII.GetBytes(Tag));
        for (; ; await Task.Delay(TimeSpan.FromMilliseconds(200), waits, cancellation).ConfigureAwait(false))
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);      // flock, as Python's
            }
            catch (IOException e) when (IsTaken(e))
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    // EAGAIN of Linux and macOS; a sharing violation of Windows.
    static bool IsTaken(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    /// <summary>The file to grow a blob in. What a killed Python left of it is taken over; call it under the lock.</summary>
    public string OpenPartial(string etag)
    {
        var (path, blobs) = (Partial(etag), Path.Combine(folder, "blobs"));
        Directory.CreateDirectory(blobs);
        if (File.Exists(path)) return path;
        var left = Directory.EnumerateFiles(blobs, etag + ".*.incomplete").Select(f => new FileInfo(f)).Where(f => f.LinkTarget is null).MaxBy(f => f.Length);
        left?.MoveTo(path);
        return path;
    }

    /// <summary>Gives a finished blob its name and the commit its file; null <paramref name="partial"/>: the blob is there already.</summary>
    public void Place(string? partial, string etag, string commit, string path)
    {
        var (file, blob) = (InSnapshot(commit, path), Blob(etag));
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        if (partial is not null && settings.Links) File.Move(partial, blob, overwrite: true);
        if (settings.Links && Link(file, etag, path)) return;
        // No links here: the file itself lies in the snapshot, and blobs/ stays empty.
        if (partial is null)
        {
            var copy = Temporary();
            File.Copy(blob, copy);
            File.Move(copy, file, overwrite: true);
        }
        else File.Move(settings.Links ? blob : partial, file, overwrite: true);
    }

    bool Link(string file, string etag, string path)
    {
        var target = string.Concat(Enumerable.Repeat("../", path.Count(c => c == '/') + 2)) + "blobs/" + etag;
        if (new FileInfo(file) is { LinkTarget: { } old } && old == target) return true;
        var link = Temporary();
        try
        {
            File.CreateSymbolicLink(link, target);
            File.Move(link, file, overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            File.Delete(link);
            return false;
        }
    }

    void Write(string path, ReadOnlySpan<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Directory.CreateDirectory(folder);
        var temporary = Temporary();
        try
        {
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw;
        }
    }

    string TreePath(string commit) => Path.Combine(folder, "trees", commit + ".json");

    string Temporary() => Path.Combine(folder, $".aerie-{Guid.NewGuid():N}");

    // Through links: a blob may itself be a link into a store that other repositories share.
    static bool IsFile(string path, long? size)
    {
        if (!File.Exists(path)) return false;
        if (size is null) return true;
        try
        {
            using var handle = File.OpenHandle(path);
            return RandomAccess.GetLength(handle) == size;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
