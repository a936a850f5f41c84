// A hub on loopback with the repositories of a golden case, a cache of its own, and a clock on which nobody waits.
using System.Text.Json;
using Aerie.Hub;
using Aerie.Parity;
using Aerie.Parity.Replay;

namespace Aerie.Tests.Hub;

sealed class LoopbackHub : IDisposable
{
    readonly TemporaryFolder folder = Golden.Temporary();
    readonly HubContents contents;

    internal LoopbackHub(string @case) : this(new CaseFolder(Golden.Path("hub", @case))) { }

    internal LoopbackHub(CaseFolder @case)
    {
        contents = new HubContents(@case);
        Server = new HubServer(contents);
    }

    internal HubServer Server { get; }

    internal string Home => folder.Path;

    internal HubClock Waits { get; } = new(immediate: true);

    /// <summary>The client of one run of the program.</summary>
    internal HubClient Client(params (string Name, string Value)[] variables) => new(new HubHttp(Settings(variables), HubServer.Sockets(), Waits, new HubClock(immediate: false)));

    internal HubSettings Settings(params (string Name, string Value)[] variables) => HubSettings.FromEnvironment(name =>
        variables.LastOrDefault(v => v.Name == name) is { Name: not null } given ? given.Value : name switch { "HF_HOME" => Home, "HF_ENDPOINT" => contents.Hub, _ => null });

    /// <summary>What goes wrong from now on; requests are counted anew.</summary>
    internal void Faults(params string[] faults) => Server.Begin(faults.Select(f => JsonDocument.Parse(f).RootElement));

    internal string Cached(params string[] parts) => Path.Combine([Home, "hub", .. parts]);

    internal IEnumerable<string> Lines => Server.Requests.Select(r => r.Line);

    public void Dispose()
    {
        Server.Dispose();
        folder.Dispose();
    }
}

/// <summary>Stops a download when so many bytes are here.</summary>
sealed class StopAt(long bytes) : IProgress<Progress>, IDisposable
{
    readonly CancellationTokenSource source = new();

    internal CancellationToken Token => source.Token;

    public void Report(Progress value)
    {
        if (value.Done >= bytes) source.Cancel();
    }

    public void Dispose() => source.Dispose();
}
