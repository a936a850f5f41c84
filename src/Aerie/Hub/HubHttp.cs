// Requests to a hub: redirects followed by ourselves (the token goes to the endpoint's own origin and nowhere else), silence timed,
// failures that may pass told from those that will not.
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aerie.Formats;

namespace Aerie.Hub;

/// <summary>What a hub says of one file before it sends it.</summary>
readonly record struct FileFacts(string? Commit, string? Etag, long? Size, Uri Address);

sealed partial class HubHttp : IDisposable
{
    const int MaxRedirects = 10, MaxJsonBytes = 64 << 20;

    readonly HttpClient client;
    readonly TimeProvider timeouts;

    public HubSettings Settings { get; }

    /// <summary>The clock of waits between tries.</summary>
    public TimeProvider Waits { get; }

    /// <param name="settings">Where the hub is.</param>
    /// <param name="handler">What sends; null: sockets, with the proxies of the environment.</param>
    /// <param name="waits">The clock of waits between tries.</param>
    /// <param name="timeouts">The clock of timeouts.</param>
    public HubHttp(HubSettings settings, HttpMessageHandler? handler = null, TimeProvider? waits = null, TimeProvider? timeouts = null)
    {
        (Settings, Waits, this.timeouts) = (settings, waits ?? TimeProvider.System, timeouts ?? TimeProvider.System);
        client = new HttpClient(handler ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("aerie", typeof(HubHttp).Assembly.GetName().Version?.ToString(3) ?? "0"));
        client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    /// <summary>An address below the endpoint.</summary>
    public Uri Address(string path) => new(Settings.Endpoint + path);

    /// <summary>The file's address at a revision.</summary>
    public Uri FileAddress(HubRepository repository, string revision, string path) =>
        Address($"{repository.Page}/resolve/{Uri.EscapeDataString(revision)}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    /// <summary>A JSON answer of the hub and the address of its next page.</summary>
    public async Task<(JsonElement Root, Uri? Next)> Json(Uri address, CancellationToken cancellation)
    {
        for (var hop = 0; ; hop++)
        {
            using var patience = new Silence(Settings.MetadataTimeout, timeouts, cancellation);
            using var answer = await Send(HttpMethod.Get, address, 0, patience).ConfigureAwait(false);
            if (Redirect(answer, address, hop) is { } to)
            {
                address = to;
                continue;
            }
            if (!answer.IsSuccessStatusCode) throw await Failure(answer, patience).ConfigureAwait(false);
            var next = answer.Headers.TryGetValues("Link", out var links) && NextPage().Match(string.Join(',', links)) is { Success: true } link && Uri.TryCreate(address, link.Groups[1].Value, out var page) ? page : null;
            try
            {
                var body = await Body(answer, patience).ConfigureAwait(false);
                return (JsonDocument.Parse(HalfCharacters.In(body) ? [] : body).RootElement, next);
            }
            catch (JsonException e)
            {
                throw new HubException(HubProblem.Refused, $"{address.GetLeftPart(UriPartial.Path)}: the hub's answer is not JSON.", "Check HF_ENDPOINT: is it a hub?", e);
            }
        }
    }

    /// <summary>Asks about a file without its content. Redirects are followed on the hub only: the last address is where the content is.</summary>
    public async Task<FileFacts> Look(Uri address, CancellationToken cancellation)
    {
        var facts = new FileFacts(null, null, null, address);
        for (var hop = 0; ; hop++)
        {
            using var patience = new Silence(Settings.MetadataTimeout, timeouts, cancellation);
            using var answer = await Send(HttpMethod.Head, facts.Address, 0, patience).ConfigureAwait(false);
            var redirect = Redirect(answer, facts.Address, hop);
            if (redirect is null && !answer.IsSuccessStatusCode) throw await Failure(answer, patience).ConfigureAwait(false);
            var size = Header(answer, "X-Linked-Size") is { } linked && long.TryParse(linked, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : redirect is null ? answer.Content.Headers.ContentLength : null;
            facts = new(facts.Commit ?? Header(answer, "X-Repo-Commit"), facts.Etag ?? Plain(Header(answer, "X-Linked-Etag") ?? (redirect is null ? Header(answer, "ETag") : null)), facts.Size ?? size, redirect ?? facts.Address);
            if (redirect is null || !IsHub(redirect)) return facts;
        }
    }

    /// <summary>Opens the content of a file, from its byte <paramref name="from"/> if the server is willing. The caller reads under <paramref name="patience"/>.</summary>
    public async Task<HttpResponseMessage> Open(Uri address, long from, Silence patience)
    {
        for (var hop = 0; ; hop++)
        {
            var answer = await Send(HttpMethod.Get, address, from, patience).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable) return answer;
            using (answer)
                address = Redirect(answer, address, hop) ?? throw await Failure(answer, patience).ConfigureAwait(false);
        }
    }

    /// <summary>A limit on silence while a file arrives.</summary>
    public Silence WatchDownload(CancellationToken cancellation) => new(Settings.DownloadTimeout, timeouts, cancellation);

    async Task<HttpResponseMessage> Send(HttpMethod method, Uri address, long from, Silence patience)
    {
        if (Settings.Offline) throw new HubException(HubProblem.Unreachable, $"{address.GetLeftPart(UriPartial.Path)} is not asked: HF_HUB_OFFLINE is set.", "Unset HF_HUB_OFFLINE.");
        using var request = new HttpRequestMessage(method, address);
        if (Settings.Token is { } token && IsHub(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (from > 0) request.Headers.Range = new RangeHeaderValue(from, null);
        return await patience.Guard(stop => client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop), address).ConfigureAwait(false);
    }

    bool IsHub(Uri address) => Uri.Compare(address, new Uri(Settings.Endpoint), UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0;

    static Uri? Redirect(HttpResponseMessage answer, Uri address, int hop)
    {
        if (answer.StatusCode is not (HttpStatusCode.Moved or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || answer.Headers.Location is not { } location) return null;
        var to = new Uri(address, location);
        if (to.Scheme is not ("http" or "https") || (address.Scheme == "https" && to.Scheme == "http") || hop >= MaxRedirects)
            throw new HubException(HubProblem.Refused, $"{address.GetLeftPart(UriPartial.Path)}: the hub leads to {to.GetLeftPart(UriPartial.Authority)} ({(hop >= MaxRedirects ? "too many redirects" : "not over https")}).", "Check HF_ENDPOINT and the proxy.");
        return to;
    }

    async Task<Exception> Failure(HttpResponseMessage answer, Silence patience)
    {
        var address = answer.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Path);
        var said = Header(answer, "X-Error-Message") ?? "";
        if (said.Length == 0 && answer.Content.Headers.ContentLength is > 0 and < 4096 && answer.RequestMessage.Method == HttpMethod.Get)
            said = System.Text.Encoding.UTF8.GetString(await Body(answer, patience).ConfigureAwait(false)).Trim();
        var status = (int)answer.StatusCode;
        var what = $"{address}: {status} {answer.ReasonPhrase}{(said.Length > 0 ? $" ({(said.Length > 200 ? said[..200] : said)})" : "")}";
        var code = Header(answer, "X-Error-Code");
        HubException Problem(HubProblem problem) => new(problem, what) { Commit = Header(answer, "X-Repo-Commit") };
        if (code == "GatedRepo") return Problem(HubProblem.Gated);
        if (code == "RevisionNotFound") return Problem(HubProblem.RevisionNotFound);
        if (code == "EntryNotFound") return Problem(HubProblem.EntryNotFound);
        if (said == "Access to this resource is disabled.") return Problem(HubProblem.Disabled);
        if (code == "RepoNotFound" || (status == 401 && said != "Invalid credentials in Authorization header" && IsHub(answer.RequestMessage.RequestUri))) return Problem(HubProblem.RepositoryNotFound);
        return status is 408 or 429 or >= 500 ? new TransientException(what, answer.StatusCode, WaitOf(answer)) : Problem(HubProblem.Refused);
    }

    // RateLimit: "api";r=0;t=55 goes before Retry-After, where nothing is left; one second more than asked.
    static TimeSpan? WaitOf(HttpResponseMessage answer)
    {
        var limit = RateLimit().Match(Header(answer, "RateLimit") ?? "");
        var wait = limit.Success ? TimeSpan.FromSeconds(int.Parse(limit.Groups[1].Value, CultureInfo.InvariantCulture)) : answer.Headers.RetryAfter?.Delta ?? answer.Headers.RetryAfter?.Date - DateTimeOffset.UtcNow;
        return wait < TimeSpan.Zero ? null : wait + TimeSpan.FromSeconds(1);
    }

    static async Task<byte[]> Body(HttpResponseMessage answer, Silence patience)
    {
        using var stream = await patience.Guard(stop => answer.Content.ReadAsStreamAsync(stop), answer.RequestMessage!.RequestUri!).ConfigureAwait(false);
        var (bytes, buffer) = (new MemoryStream(), new byte[1 << 16]);
        for (int n; (n = await patience.Guard(stop => stream.ReadAsync(buffer, stop).AsTask(), answer.RequestMessage.RequestUri!).ConfigureAwait(false)) > 0;)
        {
            bytes.Write(buffer, 0, n);
            if (bytes.Length > MaxJsonBytes) throw new HubException(HubProblem.Refused, "the hub's answer has no end.", "Check HF_ENDPOINT: is it a hub?");
        }
        return bytes.ToArray();
    }

    /// <summary>An ETag without W/ and quotes.</summary>
    static string? Plain(string? etag) => etag is null ? null : (etag.StartsWith("W/", StringComparison.Ordinal) ? etag[2..] : etag).Trim('"');

    static string? Header(HttpResponseMessage answer, string name) => answer.Headers.NonValidated.TryGetValues(name, out var values) || answer.Content.Headers.NonValidated.TryGetValues(name, out values) ? values.FirstOrDefault() : null;

    public void Dispose() => client.Dispose();

    [GeneratedRegex("""<([^>]+)>\s*;[^,]*rel="?next"?""")]
    private static partial Regex NextPage();

    [GeneratedRegex(@"r=0\s*;\s*t=(\d{1,6})")]
    private static partial Regex RateLimit();
}
