// One blob: fetched into a partial file that the next try (or the next run, or the one after Ctrl-C) goes on with, checked for length and
// checksum, and only then given its name.
using System.Globalization;
using System.Net;
using Aerie.Formats;

namespace Aerie.Hub;

/// <summary>Fetches the content of one file.</summary>
/// <param name="http">Sends.</param>
/// <param name="address">The file's address on the hub.</param>
/// <param name="shortcut">Where that leads, if it is known: good for the first try, as such addresses expire.</param>
/// <param name="etag">Its checksum.</param>
/// <param name="size">Its bytes; null if the hub did not say.</param>
/// <param name="arrived">Receives the change of the bytes that are here; negative where they were thrown away.</param>
sealed class BlobDownload(HubHttp http, Uri address, Uri? shortcut, string etag, long? size, Action<long>? arrived) : IDisposable
{
    const int BufferBytes = 1 << 18;

    Uri? next = shortcut;
    long have;
    BlobHash? hash;

    /// <summary>Fills <paramref name="partial"/> with the whole content.</summary>
    /// <exception cref="HubException">The content is not what the hub announced, or does not come.</exception>
    public async Task Run(string partial, CancellationToken cancellation)
    {
        using var file = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1, useAsync: true);
        try
        {
            await Fill(file, partial, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (WholeFile.IsTooLarge(e))
        {
            throw new IOException($"{partial}: {e.Message}", e);
        }
    }

    async Task Fill(FileStream file, string partial, CancellationToken cancellation)
    {
        await Resume(file, cancellation).ConfigureAwait(false);
        for (var inherited = have > 0; ; inherited = false)
        {
            await Fetch(file, cancellation).ConfigureAwait(false);
            if (IsRight(partial)) break;
            StartOver(file);
            if (!inherited) throw new HubException(HubProblem.Corrupt, $"{address.GetLeftPart(UriPartial.Path)}: the content does not have the checksum {etag}; it was thrown away.", "Try again; if it stays so, the file is damaged on the hub or on the way.");
            // else what an earlier run left was not what it seemed: once more from the start
        }
        file.Flush(flushToDisk: true);
    }

    async Task Resume(FileStream file, CancellationToken cancellation)
    {
        hash = new BlobHash(etag, size ?? 0);
        if (size is null || file.Length > size) file.SetLength(0);
        var buffer = new byte[BufferBytes];
        for (int n; (n = await file.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0; have += n) hash.Append(buffer.AsSpan(0, n));
        arrived?.Invoke(have);
    }

    void StartOver(FileStream file)
    {
        arrived?.Invoke(-have);
        have = 0;
        file.SetLength(0);
        hash!.Dispose();
        hash = new BlobHash(etag, size ?? 0);
    }

    async Task Fetch(FileStream file, CancellationToken cancellation)
    {
        if (have == size) return;
        var patience = new Patience(http.Waits);
        try
        {
            await patience.Try(async stop =>
            {
                await Attempt(file, patience, stop).ConfigureAwait(false);
                return true;
            }, cancellation).ConfigureAwait(false);
        }
        catch (TransientException e)
        {
            throw new HubException(e.Status is null ? HubProblem.Unreachable : HubProblem.Refused, $"{e.Message}: the download stopped at {have} of {size} bytes.", "Run it again: it goes on where it stopped.", e);
        }
    }

    async Task Attempt(FileStream file, Patience patience, CancellationToken cancellation)
    {
        using var silence = http.WatchDownload(cancellation);
        using var answer = await http.Open(Interlocked.Exchange(ref next, null) ?? address, have, silence).ConfigureAwait(false);
        var range = answer.Content.Headers.ContentRange;
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            if (have == 0) throw new HubException(HubProblem.Refused, $"{address.GetLeftPart(UriPartial.Path)}: 416 where no range was asked for.", "Try again later.");
            StartOver(file);
            throw new TransientException($"{address.GetLeftPart(UriPartial.Path)}: 416, starting over");
        }
        if (have > 0 && (answer.StatusCode != HttpStatusCode.PartialContent || range?.From != have)) StartOver(file);
        if (answer.Content.Headers.ContentLength is { } length && have + length is var total)
        {
            if (size is { } known && total != known)
                throw new HubException(HubProblem.Corrupt, $"{address.GetLeftPart(UriPartial.Path)}: {total.ToString(CultureInfo.InvariantCulture)} bytes where the hub announced {known}.", "Try again; if it stays so, the file is damaged on the hub or on the way.");
        }
        using var stream = await silence.Guard(stop => answer.Content.ReadAsStreamAsync(stop), address).ConfigureAwait(false);
        var buffer = new byte[BufferBytes];
        for (int n; (n = await silence.Guard(stop => stream.ReadAsync(buffer, stop).AsTask(), address).ConfigureAwait(false)) > 0;)
        {
            if (have + n > size) throw new HubException(HubProblem.Corrupt, $"{address.GetLeftPart(UriPartial.Path)}: more than the {size} bytes that the hub announced.", "Try again; if it stays so, the file is damaged on the hub or on the way.");
            await RandomAccess.WriteAsync(file.SafeFileHandle, buffer.AsMemory(0, n), have, CancellationToken.None).ConfigureAwait(false);     // all or nothing of it counts
            hash!.Append(buffer.AsSpan(0, n));
            have += n;
            arrived?.Invoke(n);
            patience.Encourage();
        }
        if (have < size) throw new TransientException($"{address.GetLeftPart(UriPartial.Authority)}: the connection ended early");
    }

    // Where the size was not known, git's checksum can only begin now.
    bool IsRight(string partial) => (size is null ? BlobHash.OfFile(partial, etag) : hash!.Finish()) == etag;

    public void Dispose() => hash?.Dispose();
}
