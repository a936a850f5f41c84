// A hub on this machine for golden/hub: the repositories of a case, answered as the recorded hub answered, with the faults of the step at hand.
// Two ports: the hub, and its CDN, which is another origin and must never see a token.
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Aerie.Parity.Replay;

/// <summary>A request that came.</summary>
sealed record HubRequest(string Line, IReadOnlyDictionary<string, string> Headers);

/// <summary>An answer that goes.</summary>
sealed record HubAnswer(int Status, List<(string Name, string Value)> Headers, byte[] Body)
{
    public static HubAnswer Text(int status, string body, params (string, string)[] headers) => new(status, [.. headers], Encoding.UTF8.GetBytes(body));

    public static HubAnswer Error(int status, string message, string? code = null, string? commit = null) =>
        Text(status, $"{{\"error\":\"{message}\"}}", [("X-Error-Message", message), .. code is null ? Array.Empty<(string, string)>() : [("X-Error-Code", code)], .. commit is null ? Array.Empty<(string, string)>() : [("X-Repo-Commit", commit)]]);
}

/// <summary>Serves the repositories of a case on loopback.</summary>
sealed class HubServer : IDisposable
{
    readonly HubContents contents;
    readonly TcpListener hub = new(IPAddress.Loopback, 0), cdn = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource stop = new();
    readonly Lock gate = new();
    readonly List<HubRequest> requests = [];
    (JsonElement Fault, int Left)[] faults = [];

    public HubServer(HubContents contents)
    {
        this.contents = contents;
        hub.Start();
        cdn.Start();
        (contents.Hub, contents.Cdn) = (Address(hub), Address(cdn));
        _ = Accept(hub, "hub");
        _ = Accept(cdn, "cdn");
    }

    /// <summary>What reaches it: sockets, whatever proxies the environment names.</summary>
    public static HttpMessageHandler Sockets() => new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false };

    /// <summary>Called when an answer hangs on purpose, with the bytes of the body that were sent.</summary>
    public Action<long>? Stalled { get; set; }

    /// <summary>The requests of the step so far.</summary>
    public IReadOnlyList<HubRequest> Requests
    {
        get { lock (gate) return [.. requests]; }
    }

    /// <summary>A new step: its faults, and no requests yet.</summary>
    public void Begin(IEnumerable<JsonElement> stepFaults)
    {
        lock (gate)
        {
            requests.Clear();
            faults = [.. stepFaults.Select(f => (f, f.TryGetProperty("times", out var n) && n.ValueKind == JsonValueKind.Number ? n.GetInt32() : int.MaxValue))];
        }
    }

    static string Address(TcpListener listener) => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    async Task Accept(TcpListener listener, string origin)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync(stop.Token).ConfigureAwait(false);
                _ = Task.Run(() => Serve(socket, origin));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException) { }       // the end
    }

    async Task Serve(Socket socket, string origin)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            if (await ReadHead(stream).ConfigureAwait(false) is not { } head) return;
            var (method, path, headers) = head;
            JsonElement fault;
            lock (gate)
            {
                requests.Add(new HubRequest($"{method} {origin} {path}", headers));
                fault = TakeFault($"{method} {origin} {path}");
            }
            if (Has(fault, "refuse")) return;
            if (Has(fault, "delay"))
            {
                await Hang(stream, 0).ConfigureAwait(false);
                return;
            }
            var ranged = headers.ContainsKey("range") && !Has(fault, "ignore_range");
            var answer = Faulty(fault, origin == "cdn" ? contents.CdnFile(path) : contents.Answer(path, headers.GetValueOrDefault("authorization")));
            if (ranged && answer.Status == 200) answer = Range(answer, headers["range"]);
            var text = new StringBuilder($"HTTP/1.1 {answer.Status} {(HttpStatusCode)answer.Status}\r\nConnection: close\r\nContent-Length: {answer.Body.Length}\r\n");
            foreach (var (name, value) in answer.Headers) text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            await stream.WriteAsync(Encoding.ASCII.GetBytes(text.Append("\r\n").ToString()), stop.Token).ConfigureAwait(false);
            if (method == "HEAD") return;
            var sent = fault.ValueKind == JsonValueKind.Object && fault.TryGetProperty("cut", out var cut) ? Math.Min(cut.GetInt32(), answer.Body.Length) : answer.Body.Length;
            await stream.WriteAsync(answer.Body.AsMemory(0, sent), stop.Token).ConfigureAwait(false);
            if (Has(fault, "stall") && sent < answer.Body.Length) await Hang(stream, sent).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException) { }     // the client has gone
    }

    JsonElement TakeFault(string line)
    {
        for (var i = 0; i < faults.Length; i++)
        {
            if (faults[i].Left == 0 || !Regex.IsMatch(line, faults[i].Fault.GetProperty("match").GetString()!, RegexOptions.None, TimeSpan.FromSeconds(1))) continue;
            faults[i].Left--;
            return faults[i].Fault;
        }
        return default;
    }

    static HubAnswer Faulty(JsonElement fault, HubAnswer answer)
    {
        if (fault.ValueKind != JsonValueKind.Object) return answer;
        if (fault.TryGetProperty("status", out var status))
            return new(status.GetInt32(), fault.TryGetProperty("headers", out var headers) ? [.. headers.EnumerateObject().Select(h => (h.Name, h.Value.GetString()!))] : [], Encoding.UTF8.GetBytes(fault.TryGetProperty("body", out var body) ? body.GetString()! : ""));
        if (fault.TryGetProperty("drop", out var drop)) answer.Headers.RemoveAll(h => drop.EnumerateArray().Any(d => string.Equals(d.GetString(), h.Name, StringComparison.OrdinalIgnoreCase)));
        if (fault.TryGetProperty("replace", out var replace)) return answer with { Body = Encoding.UTF8.GetBytes(replace.GetString()!) };
        return IsOtherContent(fault) ? answer with { Body = [.. answer.Body.Select(b => (byte)(b ^ 1))] } : answer;
    }

    /// <summary>A fault that names nothing but when: as many bytes, and other ones.</summary>
    internal static bool IsOtherContent(JsonElement fault) => fault.EnumerateObject().All(p => p.Name is "match" or "times");

    static HubAnswer Range(HubAnswer answer, string range)
    {
        var from = long.Parse(Regex.Match(range, @"\d+").Value, CultureInfo.InvariantCulture);
        if (from >= answer.Body.Length) return HubAnswer.Text(416, "", ("Content-Range", $"bytes */{answer.Body.Length}"));
        return answer with { Status = 206, Headers = [.. answer.Headers, ("Content-Range", $"bytes {from}-{answer.Body.Length - 1}/{answer.Body.Length}")], Body = answer.Body[(int)from..] };
    }

    // Until the client goes.
    async Task Hang(NetworkStream stream, long sent)
    {
        Stalled?.Invoke(sent);
        var one = new byte[1];
        while (await stream.ReadAsync(one, stop.Token).ConfigureAwait(false) > 0) { }
    }

    static async Task<(string Method, string Path, Dictionary<string, string> Headers)?> ReadHead(NetworkStream stream)
    {
        var (bytes, used) = (new byte[1 << 16], 0);
        while (true)
        {
            var n = await stream.ReadAsync(bytes.AsMemory(used)).ConfigureAwait(false);
            if (n == 0) return null;
            used += n;
            var text = Encoding.ASCII.GetString(bytes, 0, used);
            if (text.IndexOf("\r\n\r\n", StringComparison.Ordinal) is var end and > 0)
            {
                var lines = text[..end].Split("\r\n");
                var first = lines[0].Split(' ');
                return (first[0], first[1], lines.Skip(1).Select(l => l.Split(':', 2)).ToDictionary(l => l[0].Trim(), l => l[1].Trim(), StringComparer.OrdinalIgnoreCase));
            }
        }
    }

    static bool Has(JsonElement fault, string name) => fault.ValueKind == JsonValueKind.Object && fault.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False);

    public void Dispose()
    {
        stop.Cancel();
        hub.Dispose();
        cdn.Dispose();
        stop.Dispose();
    }
}
