// A checkpoint is a drafter folder (config.json, model.safetensors) with what continuing needs beside it:
//   optimizer.safetensors   exp_avg.NAME, exp_avg_sq.NAME, and master.NAME where the model is saved in bf16; all f32
//   trainer_state.json      where the run was: the next micro-batch, updates done, seed, draft vocabulary, target
// Continued from it, a run gives the same bits as if it had never stopped.
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Training;

/// <summary>Where a run is, between two updates.</summary>
/// <param name="Epoch">Epoch of the next micro-batch.</param>
/// <param name="MicroBatch">Its index within the epoch.</param>
/// <param name="MicroBatches">Micro-batches of that epoch; 0 at the beginning of one.</param>
/// <param name="Step">Updates done.</param>
/// <param name="TotalSteps">Updates of the whole run: the schedule runs over them.</param>
/// <param name="PeakLearningRate">The schedule's peak.</param>
/// <param name="Seed">Of data order and first weights.</param>
/// <param name="Target">Fingerprint of the target.</param>
/// <param name="BestTau">Best validation tau so far; 0 without.</param>
public sealed record TrainingState(int Epoch, int MicroBatch, int MicroBatches, int Step, int TotalSteps, double PeakLearningRate, long Seed, string Target, double BestTau);

/// <summary>Writes and reads checkpoints.</summary>
public static class Checkpoint
{
    const string StateFile = "trainer_state.json", OptimizerFile = "optimizer.safetensors";
    const int Format = 1;

    /// <summary>Writes all four files into a folder that exists (RunFolder.Save gives it its name when it is whole).</summary>
    public static void Write(string folder, Eagle3 drafter, AdamW optimizer, TrainingState state, DType dtype)
    {
        Eagle3Writer.Write(folder, drafter, dtype);
        SafetensorsWriter.Write(Path.Combine(folder, OptimizerFile), OptimizerTensors(drafter, optimizer, masters: dtype != DType.F32)
            .Select(t => Eagle3Writer.Source(t.Name, t.Tensor, DType.F32)));
        WholeFile.Write(Path.Combine(folder, StateFile), stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteNumber("format", Format);
            json.WriteNumber("epoch", state.Epoch);
            json.WriteNumber("micro_batch", state.MicroBatch);
            json.WriteNumber("micro_batches", state.MicroBatches);
            json.WriteNumber("step", state.Step);
            json.WriteNumber("total_steps", state.TotalSteps);
            json.WriteNumber("peak_learning_rate", state.PeakLearningRate);
            json.WriteNumber("seed", state.Seed);
            json.WriteNumber("best_tau", state.BestTau);
            json.WriteString("target", state.Target);
            json.WriteString("draft_vocabulary", Fingerprint(drafter));
            json.WriteEndObject();
        });
    }

    /// <summary>Where the run was when the checkpoint was written.</summary>
    /// <exception cref="AerieException">The file is missing or damaged.</exception>
    public static TrainingState ReadState(string folder)
    {
        using var json = Open(folder, out var path);
        var root = json.RootElement;
        if (Whole("format") != Format) throw new AerieException($"{path}: written by another version of this program.", "Continue it with that version, or start from its weights: recipe_args.draft_weights_path.");
        return new(Whole("epoch"), Whole("micro_batch"), Whole("micro_batches"), Whole("step"), Whole("total_steps"), Real("peak_learning_rate"), Long("seed"), Text("target"), Real("best_tau"));

        long Long(string name) => root.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.Number && v.TryGetInt64(out var n) && n >= 0 ? n : throw Damaged(path, name);
        int Whole(string name) => Long(name) is var n && n <= int.MaxValue ? (int)n : throw Damaged(path, name);
        double Real(string name) => root.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.Number ? v.GetDouble() : throw Damaged(path, name);
        string Text(string name) => root.TryGetProperty(name, out var v) && v.ValueKind == JsonValueKind.String ? v.GetString()! : throw Damaged(path, name);
    }

    /// <summary>Restores weights (exactly, from the masters) and moments of a drafter that was made from the checkpoint's folder.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <param name="drafter">A trainable drafter of the same shape.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="target">Fingerprint of the target that the run is about to use.</param>
    /// <exception cref="AerieException">The checkpoint is of another target or draft vocabulary, or damaged.</exception>
    public static TrainingState Restore(string folder, Eagle3 drafter, AdamW optimizer, string target)
    {
        var state = ReadState(folder);
        if (state.Target != target)
            throw new AerieException($"{folder}: this checkpoint was trained for another target (fingerprint {state.Target}, this one is {target}).", "Give the target it was trained for, or start a new run with recipe_args.draft_weights_path.");
        using (var json = Open(folder, out var path))
            if (!json.RootElement.TryGetProperty("draft_vocabulary", out var v) || v.ValueKind != JsonValueKind.String || v.GetString() != Fingerprint(drafter))
                throw new AerieException($"{path}: the checkpoint has another draft vocabulary than the drafter.", "A draft vocabulary belongs to its drafter and is never replaced: take the one in the checkpoint.");
        using var files = SafetensorsFolder.Open(Path.Combine(folder, OptimizerFile));
        using var model = SafetensorsFolder.Open(folder);
        var masters = files.Names.Any(name => name.StartsWith("master.", StringComparison.Ordinal));
        foreach (var (name, tensor) in OptimizerTensors(drafter, optimizer, masters)) Read(files, name, tensor);
        if (!masters)
        {
            foreach (var part in drafter.Parts.Where(p => p.Parameter.Trainable)) Read(model, part.Name, part.Of(part.Parameter.Value));
        }
        foreach (var parameter in drafter.Parameters) parameter.MarkChanged();
        optimizer.Step = state.Step;
        return state;
    }

    static IEnumerable<(string Name, Tensor Tensor)> OptimizerTensors(Eagle3 drafter, AdamW optimizer, bool masters)
    {
        var place = optimizer.Parameters.Select((parameter, i) => (parameter, i)).ToDictionary(p => p.parameter, p => p.i);
        foreach (var part in drafter.Parts.Where(p => p.Parameter.Trainable))
        {
            yield return ($"exp_avg.{part.Name}", part.Of(optimizer.FirstMoments[place[part.Parameter]]));
            yield return ($"exp_avg_sq.{part.Name}", part.Of(optimizer.SecondMoments[place[part.Parameter]]));
            if (masters) yield return ($"master.{part.Name}", part.Of(part.Parameter.Value));
        }
    }

    static void Read(SafetensorsFolder files, string name, Tensor tensor)
    {
        const int Piece = 1 << 20;
        if (!files.TryGet(name, out var entry) || entry.Type != SafetensorsType.F32 || entry.Count != tensor.Count)
            throw new AerieException($"{files.Path}: {(entry is null ? $"has no {name}" : $"{entry} should be f32 {tensor.Shape}")}.", "The checkpoint is damaged or of another drafter.");
        var flat = tensor.Reshape(new Shape(checked((int)tensor.Count)));
        for (var begin = 0; begin < flat.Cols; begin += Piece)
        {
            var count = Math.Min(Piece, flat.Cols - begin);
            flat.Slice(begin, count).CopyFromBytes(files.Bytes(name, 4L * begin, 4 * count));
        }
    }

    static JsonDocument Open(string folder, out string path)
    {
        path = Path.Combine(folder, StateFile);
        try
        {
            if (!File.Exists(path)) throw new AerieException($"{path}: no such file; {folder} is no checkpoint that a run can continue from.", "To start a new run from a drafter's weights set recipe_args.draft_weights_path.");
            if (new FileInfo(path).Length > 1 << 20) throw new AerieException($"{path}: too large for a trainer state.");
            var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return json.RootElement.ValueKind == JsonValueKind.Object ? json : throw new AerieException($"{path}: not a JSON object.");
        }
        catch (JsonException e)
        {
            throw new AerieException($"{path}: not JSON: {JsonFault.Words(e)}", "The checkpoint is damaged; continue from an earlier one.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AerieException($"{path}: cannot be read: {e.Message}", null, e);
        }
    }

    static string Fingerprint(Eagle3 drafter)
        => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(drafter.Vocabulary.SelectedIds)).AsSpan(0, 16));

    static AerieException Damaged(string path, string name) => new($"{path}: `{name}` is missing or not what it should be.", "The checkpoint is damaged; continue from an earlier one.");
}
