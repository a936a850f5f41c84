// A run folder explains itself:
//   recipe.yaml (resolved)  environment.json  log.jsonl
//   checkpoints/epoch_E_step_S/{config.json, model.safetensors, optimizer.safetensors, trainer_state.json}  checkpoints/LATEST  checkpoints/BEST
// LATEST and BEST are small text files with a checkpoint's name. Everything is written whole or not at all.
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aerie.Formats;

namespace Aerie.Training;

/// <summary>The folder of one training run.</summary>
public sealed partial class RunFolder
{
    readonly Recipe recipe;
    readonly string log;

    /// <summary>The run folder.</summary>
    public string Path { get; }

    /// <summary>The folder of its checkpoints.</summary>
    public string Checkpoints { get; }

    /// <summary>The folder of a recipe; nothing is written before <see cref="Begin"/>.</summary>
    public RunFolder(Recipe recipe)
    {
        this.recipe = recipe;
        Path = recipe.OutputFolder;
        Checkpoints = recipe.Checkpoint.Folder;
        log = System.IO.Path.Combine(Path, "log.jsonl");
    }

    /// <summary>Creates the folder, if need be, with recipe.yaml and environment.json, and shortens an older log.</summary>
    /// <param name="kernels">What the engine says of itself, line by line.</param>
    /// <param name="continued">Null: a new run. Else the updates done when the run goes on: a run that continues reads as if it had never stopped.</param>
    /// <exception cref="AerieException">The folder cannot be written, or holds a finished or interrupted run and this is a new one.</exception>
    public void Begin(IReadOnlyList<string> kernels, long? continued)
    {
        if (continued is null && File.Exists(System.IO.Path.Combine(Checkpoints, "LATEST")))
            throw new AerieException($"{Checkpoints}: holds checkpoints of a run already.", "Continue it with --set checkpoint.restore_from=LATEST, or choose another recipe_args.output_dir.");
        try
        {
            Directory.CreateDirectory(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AerieException($"{Path}: the run folder cannot be created: {e.Message}", "Choose another recipe_args.output_dir.", e);
        }
        WholeFile.Write(System.IO.Path.Combine(Path, "recipe.yaml"), recipe.Resolved);
        WholeFile.Write(System.IO.Path.Combine(Path, "environment.json"), stream => WriteEnvironment(stream, kernels));
        TrimLog(continued ?? -1);
    }

    /// <summary>The name of a checkpoint.</summary>
    public static string NameOf(int epoch, long step) => string.Create(CultureInfo.InvariantCulture, $"epoch_{epoch}_step_{step}");

    /// <summary>Writes a checkpoint: <paramref name="write"/> fills a temporary folder, which then gets its name; LATEST (and BEST) follow.</summary>
    /// <returns>The folder; the run folder where the recipe wants no checkpoints.</returns>
    public string Save(int epoch, long step, bool best, Action<string> write)
    {
        if (!recipe.Checkpoint.Enabled) return Path;
        var name = NameOf(epoch, step);
        var final = System.IO.Path.Combine(Checkpoints, name);
        var temporary = System.IO.Path.Combine(Checkpoints, $".{name}.{Environment.ProcessId}.tmp");
        try
        {
            Directory.CreateDirectory(Checkpoints);
            RemoveLeftovers();
            Directory.CreateDirectory(temporary);
            write(temporary);
            if (Directory.Exists(final)) Directory.Delete(final, recursive: true);   // the same step of a run that was continued
            Directory.Move(temporary, final);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            throw new AerieException($"{final}: the checkpoint cannot be written: {e.Message}", "Check the rights and the free space; earlier checkpoints are untouched.", e);
        }
        catch
        {
            Remove(temporary);
            throw;
        }
        WholeFile.Write(System.IO.Path.Combine(Checkpoints, "LATEST"), $"{name}\n");
        if (best) WholeFile.Write(System.IO.Path.Combine(Checkpoints, "BEST"), $"{name}\n");
        Prune();
        return final;
    }

    /// <summary>The checkpoint that <c>restore_from</c> means: LATEST, BEST, a name, or a path. Null if LATEST or BEST is asked for and there is none.</summary>
    public string? Find(string restoreFrom)
    {
        if (restoreFrom is "LATEST" or "BEST") return Pointer(Checkpoints, restoreFrom);
        var named = System.IO.Path.Combine(Checkpoints, restoreFrom);
        if (Directory.Exists(named)) return named;
        if (Directory.Exists(restoreFrom)) return restoreFrom;
        throw new AerieException($"{restoreFrom}: no such checkpoint in {Checkpoints}.", DidYouMean.Hint(restoreFrom, Names(Checkpoints).Append("LATEST"), "checkpoint.restore_from is LATEST, BEST, a checkpoint's name, or a path."));
    }

    /// <summary>The drafter that a path means: its own folder, a run folder or its `checkpoints` (BEST, else LATEST), or a pointer file.</summary>
    public static string FindDrafter(string path)
    {
        if (File.Exists(System.IO.Path.Combine(path, "config.json"))) return path;
        if (File.Exists(path) && System.IO.Path.GetFileName(path) is "LATEST" or "BEST")
            return Pointer(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!, System.IO.Path.GetFileName(path)) ?? throw NoDrafter(path);
        foreach (var folder in new[] { path, System.IO.Path.Combine(path, "checkpoints") })
            if (Directory.Exists(folder) && (Pointer(folder, "BEST") ?? Pointer(folder, "LATEST")) is { } found) return found;
        throw NoDrafter(path);
    }

    void TrimLog(long step)
    {
        if (!File.Exists(log)) return;
        var kept = File.ReadLines(log).Where(line => StepOf(line) is { } s && s <= step).ToList();
        WholeFile.Write(log, string.Concat(kept.Select(line => line + "\n")));
    }

    /// <summary>Appends one object to log.jsonl; <paramref name="write"/> fills its properties.</summary>
    public void Log(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        using var file = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.Read);
        file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    /// <summary>`[epoch 0] step 20 | loss 3.4521 | grad_norm 12.84 | lr 8.00e-05 | tokens/s 2841`</summary>
    public static string LogLine(int epoch, long step, double loss, double gradNorm, double learningRate, double tokensPerSecond) =>
        string.Create(CultureInfo.InvariantCulture, $"[epoch {epoch}] step {step} | loss {loss:0.0000} | grad_norm {gradNorm:0.00} | lr {learningRate:0.00e+00} | tokens/s {tokensPerSecond:0}");

    static void WriteEnvironment(Stream stream, IReadOnlyList<string> kernels)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        Machine.Look().Write(json);
        json.WriteStartArray("kernels");
        foreach (var line in kernels) json.WriteStringValue(line);
        json.WriteEndArray();
        json.WriteString("started", DateTime.UtcNow.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    static string? Pointer(string folder, string name)
    {
        var file = System.IO.Path.Combine(folder, name);
        if (!File.Exists(file)) return null;
        var target = File.ReadLines(file).FirstOrDefault()?.Trim() ?? "";
        if (!CheckpointName().IsMatch(target)) throw new AerieException($"{file}: does not hold the name of a checkpoint.", "Delete it, or write a name like epoch_1_step_500 into it.");
        var path = System.IO.Path.Combine(folder, target);
        return Directory.Exists(path) ? path : throw new AerieException($"{file}: names {target}, which is not there.", "Write the name of another checkpoint into it.");
    }

    static IEnumerable<string> Names(string folder) => !Directory.Exists(folder) ? []
        : Directory.EnumerateDirectories(folder).Select(d => System.IO.Path.GetFileName(d)).Where(n => CheckpointName().IsMatch(n));

    void Prune()
    {
        if (recipe.Checkpoint.Keep is not { } count) return;
        var pinned = new[] { Pointer(Checkpoints, "LATEST"), Pointer(Checkpoints, "BEST") };
        foreach (var old in Names(Checkpoints).OrderByDescending(n => long.Parse(n[(n.LastIndexOf('_') + 1)..], CultureInfo.InvariantCulture)).Skip(count))
            if (!pinned.Contains(System.IO.Path.Combine(Checkpoints, old))) Remove(System.IO.Path.Combine(Checkpoints, old));
    }

    /// <summary>Folders that a killed run left behind.</summary>
    void RemoveLeftovers()
    {
        foreach (var left in Directory.EnumerateDirectories(Checkpoints, ".epoch_*.tmp")) Remove(left);
    }

    static void Remove(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }   // what comes before matters more
    }

    static long? StepOf(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            return json.RootElement.TryGetProperty("step", out var step) && step.TryGetInt64(out var s) ? s : null;
        }
        catch (JsonException)
        {
            return null;   // a line that a killed run left unfinished
        }
    }

    static AerieException NoDrafter(string path) => new($"{path}: no drafter there.", "Give a drafter's folder (the one with config.json), or a run folder that has checkpoints.");

    [GeneratedRegex(@"^epoch_[0-9]{1,9}_step_[0-9]{1,12}$")]
    private static partial Regex CheckpointName();
}
