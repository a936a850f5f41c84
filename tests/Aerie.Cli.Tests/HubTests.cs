// Models by name: the program against a hub on loopback.
using System.Text.Json;
using Aerie.Parity;
using Aerie.Parity.Replay;

namespace Aerie.Cli.Tests;

public sealed class HubTests : IDisposable
{
    readonly TemporaryFolder home = new();
    readonly HubServer server;
    readonly string address;

    public HubTests()
    {
        var contents = new HubContents(new CaseFolder(Golden("snapshot")));
        server = new HubServer(contents);
        address = contents.Hub;
    }

    AerieProcess Run(string offline, params string[] arguments) =>
        AerieProcess.RunIn(null, new Dictionary<string, string> { ["HF_HOME"] = home.Path, ["HF_ENDPOINT"] = address, ["HF_HUB_OFFLINE"] = offline, ["HF_HUB_CACHE"] = "", ["HF_TOKEN"] = "", ["NO_PROXY"] = "127.0.0.1" }, arguments);

    [Fact]
    public void Inspect_by_name_fetches_what_it_needs_and_then_nothing()
    {
        var first = Run("", "inspect", "org/tiny", "--json");
        Assert.True(first.ExitCode == 0, first.Err);
        Assert.Equal("LlamaForCausalLM", JsonDocument.Parse(first.Out).RootElement.GetProperty("architecture").GetString());
        Assert.Contains("download org/tiny", first.Err, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Requests, r => r.Line.Contains("safetensors", StringComparison.Ordinal));
        var requests = server.Requests.Count;
        Assert.Equal(first.Out, Run("1", "inspect", "org/tiny@main", "--json").Out);
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public void A_name_that_nobody_has()
    {
        var run = Run("", "inspect", "org/none");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("error: org/none: no such folder here; org/none: there is no such model at http", run.Err, StringComparison.Ordinal);
        Assert.Contains("hint: Did you mistype it?", run.Err, StringComparison.Ordinal);
    }

    static string Golden(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "golden", "hub", name) is var path && Directory.Exists(path)) return path;
        throw new DirectoryNotFoundException("tests/golden/hub");
    }

    public void Dispose()
    {
        server.Dispose();
        home.Dispose();
    }
}
