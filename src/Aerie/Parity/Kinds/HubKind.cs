// `hub`: the recorded life of a cache, lived again by our client against a hub on this machine. Binding are outcomes (found or not, and the
// class of error), the cache after each step, and where tokens go; not the requests, the waits, the texts. Where ours does better than the
// record on purpose, the result says so: a file with wrong content is refused, a cut or a 503 is not the end, an empty variable is none.
using System.Text.Json;
using Aerie.Hub;
using Aerie.Parity.Replay;

namespace Aerie.Parity.Kinds;

static class HubKind
{
    internal static IEnumerable<ParityResult> Run(CaseFolder folder)
    {
        var place = Directory.CreateTempSubdirectory("aerie-hub-").FullName;
        try
        {
            using var replay = new HubReplay(folder, place);
            foreach (var step in folder.Root.GetProperty("steps").EnumerateArray())
                yield return replay.Step(step);
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }
}

/// <summary>One case in play.</summary>
sealed class HubReplay : IDisposable
{
    readonly string place, home;
    readonly HubContents contents;
    readonly HubServer server;
    readonly HubDisk disk;
    Dictionary<string, string?>? nothingSet;
    readonly Dictionary<string, HashSet<string>> loaderFiles = new(StringComparer.Ordinal);
    bool ahead;

    public HubReplay(CaseFolder folder, string place)
    {
        (this.place, home) = (place, Path.Combine(place, "home"));
        contents = new HubContents(folder);
        server = new HubServer(contents);
        disk = new HubDisk(home, contents, folder.Root.GetProperty("steps").GetRawText().Contains("hub/.locks/", StringComparison.Ordinal));
        Directory.CreateDirectory(home);
        // What the recorder had laid out where tokens come from files.
        foreach (var (token, path) in ((string, string)[])[("token-from-file", Path.Combine(home, "token")), ("token-from-path", Path.Combine(place, "other"))])
            if (contents.Tokens.Contains(token)) File.WriteAllText(path, token + "\n");
    }

    /// <summary>Lives one step and compares.</summary>
    public ParityResult Step(JsonElement step)
    {
        var name = step.GetProperty("step").GetString()!;
        var (call, outcome) = (step.GetProperty("call").GetString()!, step.GetProperty("outcome"));
        var arguments = step.TryGetProperty("arguments", out var given) ? given : default;
        JsonElement[] faults = step.TryGetProperty("faults", out var f) ? [.. f.EnumerateArray()] : [];
        server.Begin(faults);
        if (call == "constants") return Constants(name, step, outcome);
        if (call == "scan_cache_dir")
        {
            var scan = disk.Scan();
            if (scan == HubDisk.Scanned(outcome.GetProperty("returned"))) return Verdict(name, null);
            return ahead && !scan.StartsWith("the ref", StringComparison.Ordinal) ? ParityResult.NotChecked(name, "ours holds more than the record by now, as told above") : ParityResult.Wrong(name, $"Python's scan would find {scan}");
        }

        var settings = Settings(step, arguments);
        var loads = IsLoader(call) && !settings.Offline && outcome.TryGetProperty("returned", out _);
        if (loads) RememberFiles(step, arguments);
        var task = loads && !step.TryGetProperty("cache", out _) ? null : Task(call, arguments, settings);
        if (task is null || outcome.GetRawText().Contains("xet-read-token", StringComparison.Ordinal) || (IsLoader(call) && !loads && !settings.Offline && !outcome.GetRawText().Contains("NotFoundError", StringComparison.Ordinal)))
        {
            if (step.TryGetProperty("cache", out var done)) disk.Expect(done, write: true);
            return ParityResult.NotChecked(name, $"{call} is not for us; its part of the cache was laid out for the steps that follow");
        }
        MoveBranch(arguments, outcome);
        var (got, problem) = Play(task, settings, outcome.TryGetProperty("killed", out _));
        var tokens = server.Requests.Where(r => r.Line.Contains(" cdn ", StringComparison.Ordinal) && r.Headers.ContainsKey("authorization")).ToList();
        if (tokens.Count > 0) return ParityResult.Wrong(name, $"a token was sent to another origin: {tokens[0].Line}");

        var (wrong, better) = Outcome(outcome, faults, got, problem);
        wrong ??= IsLoader(call) ? null : OtherToken(step);
        ahead |= better is not null;
        if (step.TryGetProperty("cache", out var cache))
        {
            if (wrong is null && problem is null == outcome.TryGetProperty("returned", out _)) disk.Expect(cache, write: loads);
            if (loads && wrong is null) better = "the files that the loader fetched, fetched by us; what it only probed was laid out";
            wrong ??= disk.Compare(ahead: better is not null);
        }
        return wrong is null && better is not null ? new ParityResult(name, 1, 0, Tolerance.Exact, true, better) : Verdict(name, wrong);
    }

    // The token that the record has with the hub's first request, or none.
    string? OtherToken(JsonElement step)
    {
        if (!step.TryGetProperty("requests", out var recorded) || recorded.GetArrayLength() == 0 || server.Requests.Count == 0) return null;
        var want = recorded[0].TryGetProperty("headers", out var headers) && headers.TryGetProperty("authorization", out var token) ? token.GetString() : null;
        return server.Requests.FirstOrDefault(r => !r.Line.Contains(" cdn ", StringComparison.Ordinal) && r.Headers.GetValueOrDefault("authorization") != want) is { } other ? $"{other.Line} with the token `{other.Headers.GetValueOrDefault("authorization")}` where the case has `{want}`" : null;
    }

    // A loader's files: those that get a place in a snapshot. What it does with them is not a matter of the hub.
    void RememberFiles(JsonElement step, JsonElement arguments)
    {
        if (!step.TryGetProperty("cache", out var cache) || !cache.TryGetProperty("added", out var added)) return;
        if (!loaderFiles.TryGetValue(IdOf(arguments), out var files)) loaderFiles[IdOf(arguments)] = files = [];
        foreach (var path in added.EnumerateArray().Select(e => e.GetProperty("path").GetString()!.Split("/snapshots/")).Where(p => p.Length == 2)) files.Add(path[1][41..]);
    }

    static string IdOf(JsonElement a) => ((string[])["repo_id", "pretrained_model_name_or_path", "path"]).Select(key => a.TryGetProperty(key, out var v) ? v.GetString() : null).FirstOrDefault(id => id is not null) ?? "";

    static bool IsLoader(string call) => call.Contains('.', StringComparison.Ordinal);

    static ParityResult Verdict(string name, string? wrong) => wrong is null ? new ParityResult(name, 1, 0, Tolerance.Exact, true) : ParityResult.Wrong(name, wrong);

    // Our call for Python's; null where there is none.
    Func<HubClient, IProgress<Progress>, CancellationToken, Task<string>>? Task(string call, JsonElement a, HubSettings settings)
    {
        string Text(string key, string otherwise = "") => a.TryGetProperty(key, out var v) && v.ValueKind == JsonValueKind.String ? v.GetString()! : otherwise;
        bool True(string key) => a.TryGetProperty(key, out var v) && v.ValueKind == JsonValueKind.True;
        IEnumerable<string>? Texts(string key) => !a.TryGetProperty(key, out var v) || v.ValueKind == JsonValueKind.Null ? null : v.ValueKind == JsonValueKind.String ? [v.GetString()!] : [.. v.EnumerateArray().Select(e => e.GetString()!)];
        var (id, revision, path, data) = (IdOf(a), Text("revision", "main"), Text("filename"), Text("repo_type") == "dataset" || call.StartsWith("datasets.", StringComparison.Ordinal) || Text("method").StartsWith("dataset", StringComparison.Ordinal));
        HubRepository Repository() => new(id, data);
        async Task<string> Exists(Task action)
        {
            try
            {
                await action.ConfigureAwait(false);
                return "true";
            }
            catch (HubException e) when (e.Problem is HubProblem.RepositoryNotFound or HubProblem.RevisionNotFound or HubProblem.EntryNotFound)
            {
                return "false";
            }
        }
        switch (call)
        {
            case "snapshot_download" when a.TryGetProperty("local_dir", out _):
                return null;
            case "snapshot_download":
                var patterns = new FilePatterns(Texts("allow_patterns"), Texts("ignore_patterns"));
                return (client, progress, stop) => client.Snapshot(Repository(), revision, files => files.Where(f => patterns.Match(f.Path)), progress, True("force_download"), stop);
            case "hf_hub_download":
                return (client, progress, stop) => client.File(Repository(), revision, path, progress, True("force_download"), stop);
            case "try_to_load_from_cache":
                var cache = new HubCache(settings, Repository());
                return (_, _, _) => System.Threading.Tasks.Task.FromResult(cache.Commit(revision) is not { } c ? "null" : cache.Has(c, path) ? cache.InSnapshot(c, path) : cache.IsAbsent(c, path) ? "_CACHED_NO_EXIST" : "null");
            case "resolve_revision":
                return async (client, _, stop) => $"ResolvedRevision(initial='{revision}', resolved='{(settings.Offline ? new HubCache(settings, Repository()).Commit(revision) : await client.Describe(Repository(), revision, false, stop).ConfigureAwait(false))}')";
            case "verify_repo_checksums":
                return (client, _, stop) => Verify(client, Repository(), settings, stop);
            case "hub_api" when Text("method") is "model_info" or "dataset_info":
                return async (client, _, stop) => $"{(data ? "Dataset" : "Model")}Info(sha={await client.Describe(Repository(), revision, false, stop).ConfigureAwait(false)})";
            case "hub_api" when Text("method") == "list_repo_files":
                return async (client, _, stop) => $"[{string.Join(", ", (await client.List(Repository(), revision, stop).ConfigureAwait(false)).Select(f => $"\"{f.Path}\""))}]";
            case "hub_api" when Text("method") == "file_exists":
                return (client, _, stop) => Exists(client.Look(Repository(), revision, path, stop));
            case "hub_api" when Text("method") is "repo_exists" or "revision_exists":
                return (client, _, stop) => Exists(client.Describe(Repository(), revision, false, stop));
            // Offline, what the loader of a model has fetched must be enough for us.
            case "transformers.AutoModelForCausalLM" when settings.Offline:
                return (client, progress, stop) => ModelFolder.ResolveAsync(client, id, progress, ModelParts.All, stop);
            case "transformers.AutoConfig" or "transformers.AutoTokenizer" or "transformers.AutoModelForCausalLM" or "datasets.load_dataset":
                return (client, progress, stop) => client.Snapshot(Repository(), revision, files => files.Where(f => loaderFiles.GetValueOrDefault(id)?.Contains(f.Path) != false), progress, cancellation: stop);
            default:
                return null;
        }
    }

    static async Task<string> Verify(HubClient client, HubRepository repository, HubSettings settings, CancellationToken stop)
    {
        var cache = new HubCache(settings, repository);
        var commit = cache.Commit("main") ?? await client.Describe(repository, "main", false, stop).ConfigureAwait(false);
        var files = await client.List(repository, commit, stop).ConfigureAwait(false);
        var here = files.Where(f => cache.Has(commit, f.Path)).ToList();
        var wrong = here.Where(f => BlobHash.OfFile(cache.InSnapshot(commit, f.Path), f.Etag) != f.Etag).Select(f => f.Path);
        return $"{commit} {here.Count} [{string.Join(' ', wrong)}] [{string.Join(' ', files.Except(here).Select(f => f.Path))}]";
    }

    (string? Got, Exception? Problem) Play(Func<HubClient, IProgress<Progress>, CancellationToken, Task<string>> task, HubSettings settings, bool kill)
    {
        var timeouts = new HubClock(immediate: false);
        using var stop = new CancellationTokenSource();
        using var client = new HubClient(new HubHttp(settings, HubServer.Sockets(), new HubClock(immediate: true), timeouts));
        var meeting = new Meeting(() => { if (kill) stop.Cancel(); else timeouts.Strike(); });
        server.Stalled = meeting.Stalled;
        try
        {
            return (task(client, meeting, stop.Token).GetAwaiter().GetResult(), null);
        }
        catch (Exception e) when (e is HubException or OperationCanceledException)
        {
            return (null, e);
        }
    }

    (string? Wrong, string? Better) Outcome(JsonElement outcome, JsonElement[] faults, string? got, Exception? problem)
    {
        if (outcome.TryGetProperty("killed", out _)) return problem is OperationCanceledException ? (null, "stopped in the middle: what arrived is kept for the next run") : ("was not stopped", null);
        if (outcome.TryGetProperty("returned", out var returned))
        {
            if ((problem as HubException)?.Problem == HubProblem.Corrupt && faults.Any(HubServer.IsOtherContent)) return (null, "refused for its checksum; the record takes it for good");
            if (problem is not null) return ($"{problem.Message} where the case has {returned.GetRawText()}", null);
            if (returned.ValueKind == JsonValueKind.Object && returned.TryGetProperty("checked_count", out _)) return Verified(returned, got!);
            var want = (returned.ValueKind == JsonValueKind.String ? returned.GetString()! : returned.GetRawText()).Replace("$HF_HOME", home, StringComparison.Ordinal);
            if (returned.ValueKind == JsonValueKind.Array) want = $"[{string.Join(", ", returned.EnumerateArray().Select(e => e.GetRawText()))}]";
            // Loaders return what they loaded; ours the folder it lies in.
            return want == got || (!want.Contains("/snapshots/", StringComparison.Ordinal) && Directory.Exists(got)) ? (null, null) : ($"{got} where the case has {want}", null);
        }
        var errors = outcome.GetProperty("raised").EnumerateArray().Select(e => e.GetProperty("error").GetString()!).ToList();
        if (problem is null)
            return errors[^1] is "HfHubHTTPError" or "RemoteProtocolError" or "ReadTimeout" or "ConnectTimeout" && faults.Length > 0 ? (null, $"found after all; the record gives up with {errors[^1]}") : ($"found where the case has {errors[0]}", null);
        // "Force download failed" and a loader's OSError only wrap the error that counts.
        if (errors.Count > 1 && errors[0] is "ValueError" or "OSError") errors.RemoveAt(0);
        return Names((problem as HubException)?.Problem).Contains(errors[0]) ? (null, null) : ($"{(problem as HubException)?.Problem}: {problem.Message} where the case has {errors[0]}", null);
    }

    static (string?, string?) Verified(JsonElement want, string got)
    {
        string Words(string key) => string.Join(' ', want.GetProperty(key).EnumerateArray().Select(e => e.GetString()));
        var text = $"{want.GetProperty("revision").GetString()} {want.GetProperty("checked_count").GetInt32()} [] [{Words("missing_paths")}]";
        return got != text ? ($"{got} where the case has {text}", null) : (null, want.GetProperty("mismatches").GetArrayLength() > 0 ? "nothing to find: the wrong content never entered the cache" : null);
    }

    static string[] Names(HubProblem? problem) => problem switch
    {
        HubProblem.BadName => ["HFValidationError", "ValueError"],
        HubProblem.RepositoryNotFound => ["RepositoryNotFoundError", "DatasetNotFoundError"],
        HubProblem.Gated => ["GatedRepoError"],
        HubProblem.Disabled => ["DisabledRepoError"],
        HubProblem.RevisionNotFound => ["RevisionNotFoundError"],
        HubProblem.EntryNotFound => ["RemoteEntryNotFoundError"],
        HubProblem.NotCached => ["LocalEntryNotFoundError"],
        HubProblem.Incomplete => ["IncompleteSnapshotError"],
        HubProblem.Refused => ["HfHubHTTPError"],
        HubProblem.Corrupt => ["OSError"],
        HubProblem.Unreachable => ["RemoteProtocolError", "ConnectError", "ReadTimeout", "OfflineModeIsEnabled", "FileMetadataError"],
        _ => [],
    };

    // A case whose branch moves has both commits; where it stands now, the outcome of the step tells.
    void MoveBranch(JsonElement a, JsonElement outcome)
    {
        if (!outcome.TryGetProperty("returned", out var returned) || returned.ValueKind != JsonValueKind.String || !a.TryGetProperty("repo_id", out var id)) return;
        var parts = returned.GetString()!.Split('/');
        if (Array.IndexOf(parts, "snapshots") is var i and > 0)
            contents.Move($"{(a.TryGetProperty("repo_type", out var type) ? type.GetString() : "model")}s/{id.GetString()}", a.TryGetProperty("revision", out var revision) ? revision.GetString()! : "main", parts[i + 1]);
    }

    HubSettings Settings(JsonElement step, JsonElement arguments)
    {
        var variables = Variables(step, new() { ["HF_HOME"] = home, ["HF_ENDPOINT"] = contents.Hub });
        var settings = HubSettings.FromEnvironment(variables.GetValueOrDefault);
        if (arguments.ValueKind != JsonValueKind.Object) return settings;
        if (arguments.TryGetProperty("local_files_only", out var local) && local.ValueKind == JsonValueKind.True) settings = settings with { Offline = true };
        return arguments.TryGetProperty("token", out var token) ? settings with { Token = token.ValueKind == JsonValueKind.String ? token.GetString() : null } : settings;
    }

    Dictionary<string, string?> Variables(JsonElement step, Dictionary<string, string?> variables)
    {
        variables["HOME"] = Path.Combine(place, "user");
        if (step.TryGetProperty("environment", out var environment) && environment.ValueKind == JsonValueKind.Object)
            foreach (var v in environment.EnumerateObject()) variables[v.Name] = v.Value.GetString()?.Replace("$TMP", place, StringComparison.Ordinal).Replace("$HF_HOME", home, StringComparison.Ordinal);
        return variables;
    }

    ParityResult Constants(string name, JsonElement step, JsonElement outcome)
    {
        var variables = Variables(step, []);
        Dictionary<string, string?> got;
        try
        {
            var s = HubSettings.FromEnvironment(variables.GetValueOrDefault);
            got = new() { ["HF_HOME"] = s.Home, ["HF_HUB_CACHE"] = s.Cache, ["HF_TOKEN_PATH"] = s.TokenPath, ["ENDPOINT"] = s.Endpoint, ["HF_HUB_OFFLINE"] = $"{s.Offline}", ["HF_HUB_ETAG_TIMEOUT"] = $"{s.MetadataTimeout.TotalSeconds}", ["HF_HUB_DOWNLOAD_TIMEOUT"] = $"{s.DownloadTimeout.TotalSeconds}", ["HF_HUB_DISABLE_SYMLINKS"] = $"{!s.Links}", ["get_token"] = s.Token };
        }
        catch (AerieException e)
        {
            return Verdict(name, outcome.TryGetProperty("raised", out _) ? null : e.Message);
        }
        if (outcome.TryGetProperty("raised", out _)) return ParityResult.Wrong(name, "accepted where the case has an error");
        if (variables.ContainsValue("")) return ParityResult.NotChecked(name, "a variable that is empty counts as unset here");
        static string? Text(JsonElement v, string place) => v.ValueKind == JsonValueKind.Null ? null : v.ToString().Replace("$TMP", place, StringComparison.Ordinal);
        if (outcome.TryGetProperty("returned", out var all)) nothingSet = all.EnumerateObject().ToDictionary(p => p.Name, p => Text(p.Value, place));
        var want = new Dictionary<string, string?>(nothingSet ?? []);
        if (outcome.TryGetProperty("differs_from_nothing_set", out var differs))
            foreach (var d in differs.EnumerateObject()) want[d.Name] = Text(d.Value, place);
        want.Remove("HF_HUB_DISABLE_XET");
        return Verdict(name, want.FirstOrDefault(w => got.GetValueOrDefault(w.Key) != w.Value) is { Key: { } key } ? $"{key} is {got.GetValueOrDefault(key)} where the case has {want[key]}" : null);
    }

    public void Dispose() => server.Dispose();

    /// <summary>The server hangs after so many bytes; when the client has them too, it is time.</summary>
    sealed class Meeting(Action both) : IProgress<Progress>
    {
        readonly Lock gate = new();
        long arrived;
        long? sent;

        public void Stalled(long bytes)
        {
            lock (gate) sent = bytes;
            Check();
        }

        public void Report(Progress value)
        {
            lock (gate) arrived = value.Done;
            Check();
        }

        void Check()
        {
            lock (gate)
            {
                if (sent is null || arrived < sent) return;
                sent = null;
            }
            both();
        }
    }
}
