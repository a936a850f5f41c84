// What the record cannot show: downloads that go on across runs, content that is checked, hostile hubs, waits, requests saved.
using Aerie.Hub;
using Aerie.Parity;

namespace Aerie.Tests.Hub;

public sealed class HubClientTests
{
    const string Large = "842a503ca9d365db479c786fc8672d2949caf3b815697ed484ed6c54b97a3c0e";
    static readonly HubRepository Tiny = new("org/tiny"), Big = new("org/big");

    static Task<string> Snapshot(HubClient client, HubRepository repository, string revision = "main") => client.Snapshot(repository, revision, files => files);

    [Fact]
    public async Task A_stopped_download_goes_on_in_the_next_run()
    {
        using var hub = new LoopbackHub("broken");
        var partial = hub.Cached("models--org--big", "blobs", Large + ".incomplete");
        using (var stop = new StopAt(3_000_000))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hub.Client().File(Big, "main", "large.bin", stop, cancellation: stop.Token));
        var kept = new FileInfo(partial).Length;
        Assert.InRange(kept, 3_000_000, 24_999_999);

        hub.Faults();
        var file = await hub.Client().File(Big, "main", "large.bin");
        Assert.Equal($"bytes={kept}-", hub.Server.Requests.Single(r => r.Line.StartsWith("GET cdn", StringComparison.Ordinal)).Headers["range"]);
        Assert.Equal(Large, BlobHash.OfFile(file, Large));
        Assert.False(File.Exists(partial));
    }

    [Fact]
    public async Task A_stopped_snapshot_goes_on_too()
    {
        using var hub = new LoopbackHub("broken");
        using (var stop = new StopAt(2_000_000))
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hub.Client().Snapshot(Big, "main", files => files, stop, cancellation: stop.Token));
        hub.Faults();
        Assert.Equal(Large, BlobHash.OfFile(Path.Combine(await Snapshot(hub.Client(), Big), "large.bin"), Large));
        Assert.Contains(hub.Server.Requests, r => r.Headers.ContainsKey("range"));
    }

    [Fact]
    public async Task One_damaged_file_is_the_error_of_a_snapshot_and_gets_no_name()
    {
        using var hub = new LoopbackHub("snapshot");
        hub.Faults("""{"match":"^GET cdn","times":null}""");
        var e = await Assert.ThrowsAsync<HubException>(() => Snapshot(hub.Client(), Tiny));
        Assert.Equal(HubProblem.Corrupt, e.Problem);
        Assert.DoesNotContain(Directory.EnumerateFiles(hub.Cached(), "*.safetensors", SearchOption.AllDirectories), _ => true);
        Assert.DoesNotContain(Directory.EnumerateFiles(hub.Cached("models--org--tiny", "blobs")), f => new FileInfo(f).Length == 5856);
    }

    [Theory]
    [InlineData(false, 206)]        // what a killed Python left is taken over
    [InlineData(true, 200)]         // and thrown away where it is not what it seemed
    public async Task What_a_killed_Python_left_is_used_if_it_is_right(bool damaged, int last)
    {
        using var hub = new LoopbackHub("broken");
        var left = hub.Cached("models--org--big", "blobs", Large + ".0123abcd.incomplete");
        Directory.CreateDirectory(Path.GetDirectoryName(left)!);
        File.WriteAllBytes(left, [.. Enumerable.Range(0, 10_485_760).Select(i => (byte)(131 * i + (damaged && i == 5 ? 8 : 7)))]);
        var file = await hub.Client().File(Big, "main", "large.bin");
        Assert.Equal(Large, BlobHash.OfFile(file, Large));
        Assert.False(File.Exists(left));
        var gets = hub.Server.Requests.Where(r => r.Line.StartsWith("GET cdn", StringComparison.Ordinal)).ToList();
        Assert.Equal("bytes=10485760-", gets[0].Headers["range"]);
        Assert.Equal(last == 206, gets[^1].Headers.ContainsKey("range"));
    }

    [Fact]
    public async Task A_cut_costs_only_what_was_cut()
    {
        using var hub = new LoopbackHub("broken");
        hub.Faults("""{"match":"^GET cdn","times":3,"cut":7000}""");
        await hub.Client().File(Big, "main", "small.bin");
        Assert.Equal([null, "bytes=7000-", "bytes=14000-", "bytes=21000-"], hub.Server.Requests.Where(r => r.Line.StartsWith("GET cdn", StringComparison.Ordinal)).Select(r => r.Headers.GetValueOrDefault("range")));
        Assert.Equal([1, 1, 1], hub.Waits.Waits.Select(w => (int)w.TotalSeconds));          // every cut after progress is a first one
    }

    [Fact]
    public async Task Waits_double_and_the_hub_may_ask_for_more()
    {
        using var hub = new LoopbackHub("snapshot");
        hub.Faults("""{"match":"/resolve/","times":null,"status":503}""");
        var e = await Assert.ThrowsAsync<HubException>(() => hub.Client().File(Tiny, "main", "config.json"));
        Assert.Equal(HubProblem.NotCached, e.Problem);
        Assert.Equal([1, 2, 4, 8, 8], hub.Waits.Waits.Select(w => (int)w.TotalSeconds));

        hub.Faults("""{"match":"/resolve/","times":1,"status":429,"headers":{"Retry-After":"3"}}""", """{"match":"/resolve/","times":1,"status":429,"headers":{"Retry-After":"3","RateLimit":"\"api\";r=0;t=55"}}""");
        await hub.Client().File(Tiny, "main", "config.json");
        Assert.Equal([4, 56], hub.Waits.Waits.Skip(5).Select(w => (int)w.TotalSeconds));

        hub.Faults("""{"match":"^GET","times":null,"status":429,"headers":{"Retry-After":"86400"}}""");
        await Assert.ThrowsAsync<HubException>(() => hub.Client().List(Tiny, "main", default));
        Assert.Equal(7, hub.Waits.Waits.Count);                                              // nobody waits a day
    }

    [Fact]
    public async Task A_snapshot_needs_a_request_per_file_and_three_more()
    {
        using var hub = new LoopbackHub("snapshot");
        await Snapshot(hub.Client(("HF_TOKEN", "token-good")), Tiny);
        Assert.Equal(9, hub.Lines.Count());                                                  // description, listing, six files, one redirect
        Assert.All(hub.Server.Requests, r => Assert.Equal(r.Line.Contains(" hub ", StringComparison.Ordinal), r.Headers.ContainsKey("authorization")));
        hub.Faults();
        await Snapshot(hub.Client(), Tiny);
        Assert.Single(hub.Lines);
    }

    [Fact]
    public async Task A_blob_of_another_length_is_fetched_again()
    {
        using var hub = new LoopbackHub("snapshot");
        var folder = await Snapshot(hub.Client(), Tiny);
        var config = Path.Combine(folder, "config.json");
        File.AppendAllText(File.ResolveLinkTarget(config, true)!.FullName, " ");
        hub.Faults();
        await Snapshot(hub.Client(), Tiny);
        Assert.Equal(386, File.ReadAllBytes(config).Length);
    }

    [Fact]
    public async Task Plain_files_and_blobs_that_are_links_are_as_good_as_ours()
    {
        using var hub = new LoopbackHub("snapshot");
        var folder = await Snapshot(hub.Client(), Tiny);
        var config = Path.Combine(folder, "config.json");
        var text = File.ReadAllText(config);
        File.Delete(config);
        File.WriteAllText(config, text);                                    // as on a disk without links
        var weights = File.ResolveLinkTarget(Path.Combine(folder, "model.safetensors"), true)!.FullName;
        var shared = hub.Cached("blobs", "b7", "b75");                      // as with xet: a store that repositories share
        Directory.CreateDirectory(Path.GetDirectoryName(shared)!);
        File.Move(weights, shared);
        File.CreateSymbolicLink(weights, shared);
        hub.Faults();
        Assert.Equal(folder, await Snapshot(hub.Client(), Tiny));
        Assert.Single(hub.Lines);

        File.Delete(shared);                                                // now the link leads nowhere
        await Snapshot(hub.Client(), Tiny);
        Assert.Equal(5856, File.ReadAllBytes(weights).Length);
        Assert.False(File.Exists(shared));
    }

    [Fact]
    public async Task Data_sets_have_their_own_place()
    {
        using var hub = new LoopbackHub("jsonl");
        var wanted = new FilePatterns(["train/*"]);
        var folder = await hub.Client().Snapshot(new HubRepository("org/folders", dataset: true), "main", files => files.Where(f => wanted.Match(f.Path)));
        Assert.StartsWith(hub.Cached("datasets--org--folders", "snapshots"), folder, StringComparison.Ordinal);
        Assert.Equal([Path.Combine(folder, "train", "part.jsonl")], Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("..")]
    [InlineData("../../x")]
    [InlineData("/etc")]
    [InlineData("")]
    public async Task A_revision_cannot_name_a_file_elsewhere(string revision)
    {
        using var hub = new LoopbackHub("snapshot");
        Assert.Equal(HubProblem.BadName, (await Assert.ThrowsAsync<HubException>(() => Snapshot(hub.Client(), Tiny, revision))).Problem);
        Assert.Empty(hub.Lines);
    }

    [Theory]
    [InlineData("../../evil", "config.json")]
    [InlineData("/etc/evil", "config.json")]
    [InlineData("config.json", "../../../evil")]
    public async Task A_hub_cannot_write_outside_of_the_cache(string path, string checksum)
    {
        using var place = Golden.Temporary();
        Directory.CreateDirectory(place.File("case"));
        File.WriteAllText(place.File("case/case.json"), $$$"""
            {"kind":"hub","parameters":{"contents":".","server":{"page":0,"indirect":false,"compress":false,"weak":false,"tokens":[]},"repositories":{"models/org/tiny":{"access":"public",
            "refs":{"main":"88482a4488bdc2ba8e268825f17f265a00243258"},"commits":{"88482a4488bdc2ba8e268825f17f265a00243258":{"{{{path}}}":{"size":30000,"sha256":"{{{new string('0', 64)}}}","git":"{{{(checksum == "config.json" ? new string('1', 40) : checksum)}}}" } } } } } } }
            """);
        using var hub = new LoopbackHub(new CaseFolder(place.File("case")));
        var e = await Assert.ThrowsAsync<HubException>(() => Snapshot(hub.Client(), Tiny));
        Assert.Equal(HubProblem.Refused, e.Problem);
        Assert.Empty(Directory.EnumerateFileSystemEntries(place.Path, "*evil*", SearchOption.AllDirectories));
        Assert.False(Directory.Exists(hub.Cached()));
    }

    [Fact]
    public async Task Runs_at_the_same_time_fetch_once()
    {
        using var hub = new LoopbackHub("broken");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => hub.Client().File(Big, "main", "small.bin"))));
        Assert.Single(hub.Lines, l => l.StartsWith("GET cdn", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("org/gated", "", "org/gated is gated", "Accept the licence at http")]
    [InlineData("org/gated", "token-stranger", "has not done it", "and set HF_TOKEN")]
    [InlineData("org/none", "", "there is no such model", "Did you mistype it?")]
    [InlineData("org/tiny@v9", "", "has no revision `v9`", "The branches and tags are at http")]
    [InlineData("org/tiny", "token-bad", " 401 ", "The hub does not know this token")]
    [InlineData("org/disabled", "", "has been disabled", "See http")]
    public async Task Errors_say_what_to_do(string id, string token, string what, string hint)
    {
        using var hub = new LoopbackHub("access");
        var e = await Assert.ThrowsAsync<HubException>(() => ModelFolder.ResolveAsync(hub.Client(("HF_TOKEN", token)), id, null, ModelParts.All, default));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain(token.Length > 0 ? token : "no token", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_the_cache_is_what_there_is()
    {
        using var hub = new LoopbackHub("snapshot");
        var offline = await Assert.ThrowsAsync<HubException>(() => Snapshot(hub.Client(("HF_HUB_OFFLINE", "1")), Tiny));
        Assert.Equal((HubProblem.NotCached, "Unset HF_HUB_OFFLINE, or fetch it once where there is a network."), (offline.Problem, offline.Hint));
        var refused = await Assert.ThrowsAsync<HubException>(() => Snapshot(hub.Client(("HF_ENDPOINT", "http://127.0.0.1:9")), Tiny));
        Assert.Equal(HubProblem.NotCached, refused.Problem);
        Assert.Empty(hub.Waits.Waits);                                                       // a mistyped folder should not take half a minute
        Assert.Empty(hub.Lines);
        var folder = await Snapshot(hub.Client(), Tiny);
        Assert.Equal(folder, await Snapshot(hub.Client(("HF_ENDPOINT", "http://127.0.0.1:9")), Tiny));
    }
}
