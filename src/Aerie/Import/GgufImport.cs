// A llama.cpp model as a Hugging Face folder: config.json, generation_config.json, tokenizer.json, tokenizer_config.json, chat_template.jinja, model.safetensors.
// Blocks are expanded in float32 and rounded once to the type asked for. The folder is made beside its place and renamed when all of it is there.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Aerie.Formats;
using Aerie.Targets;
using Aerie.Tensors;
using Aerie.Text;

namespace Aerie.Import;

/// <summary>What an import made.</summary>
/// <param name="Architecture">As the GGUF file calls it: llama, qwen2, qwen3, qwen3moe.</param>
/// <param name="Tensors">Tensors written.</param>
/// <param name="Parameters">Numbers in them.</param>
/// <param name="Types">How many of them come of which type.</param>
/// <param name="Files">The files of the folder, the weights last.</param>
/// <param name="Notes">What a person should know: a template that is missing or cannot be read.</param>
public sealed record GgufImportResult(string Architecture, int Tensors, long Parameters, IReadOnlyDictionary<string, int> Types, IReadOnlyList<string> Files, IReadOnlyList<string> Notes);

/// <summary>Expands GGUF files.</summary>
public static class GgufImport
{
    const int PieceLength = 1 << 18;                           // numbers at a time

    /// <summary>Imports a model.</summary>
    /// <param name="path">A .gguf file, or the first of its parts.</param>
    /// <param name="folder">Where to: empty, or not there yet.</param>
    /// <param name="dtype">BF16, F16 or F32.</param>
    /// <param name="progress">Told about bytes written.</param>
    /// <param name="cancellation">Stops it; nothing is left behind.</param>
    /// <exception cref="AerieException">The file is damaged, or has something that is not supported (it is named); or the folder cannot be written.</exception>
    public static GgufImportResult Run(string path, string folder, SafetensorsType dtype = SafetensorsType.BF16, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        if (dtype is not (SafetensorsType.BF16 or SafetensorsType.F16 or SafetensorsType.F32)) throw new ArgumentException($"weights are not written as {dtype}");
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (File.Exists(target)) throw new AerieException($"{folder}: is a file.", "Choose a new folder.");
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()) throw new AerieException($"{folder}: is not empty.", "Choose a new folder: an import never mixes with what is there.");
        using var model = GgufModel.Open(path);
        var network = new GgufNetwork(model);
        var tokenizer = new GgufTokenizer(model.Keys, network.Vocabulary);
        var temporary = $"{target}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        var parent = Path.GetDirectoryName(target)!;
        var created = Missing(parent);
        try
        {
            Directory.CreateDirectory(temporary);
            CheckSpace(parent, network, dtype);
            WriteTexts(temporary, network, tokenizer, dtype);
            var notes = Check(path, temporary, tokenizer);
            WriteWeights(temporary, model, network, dtype, progress, cancellation);
            var files = new[] { "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", ChatTemplateFile, SafetensorsFolder.SingleFile }
                .Where(name => File.Exists(Path.Combine(temporary, name))).Select(name => Path.Combine(folder, name)).ToList();
            if (Directory.Exists(target)) Directory.Delete(target);
            Directory.Move(temporary, target);
            return new GgufImportResult(network.Name, network.Weights.Count, network.Weights.Sum(w => w.Count),
                network.Weights.GroupBy(w => w.Source.Type.Name).ToDictionary(g => g.Key, g => g.Count()), files, notes);
        }
        catch (Exception problem)
        {
            Remove(created ?? temporary);
            if (problem is IOException or UnauthorizedAccessException) throw new AerieException($"{folder}: cannot be written: {problem.Message}", "Check the folder, its permissions and the free space of its disk.", problem);
            throw;
        }
    }

    const string ChatTemplateFile = "chat_template.jinja";

    // The topmost folder that is not there yet: made by us, and ours to remove.
    static string? Missing(string? folder)
    {
        string? missing = null;
        for (; folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder)) missing = folder;
        return missing;
    }

    static void Remove(string folder)
    {
        try { if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true); }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException) { }   // the first error is the one to tell
    }

    static void CheckSpace(string folder, GgufNetwork network, SafetensorsType dtype)
    {
        var needed = Bytes(network, dtype);
        if (Machine.FreeDiskBytes(folder) is { } free && free < needed) throw new MachineException($"{folder}: {needed >> 20} MB are needed, the disk has {free >> 20} MB left.", "Make room, or choose a folder on another disk.");
    }

    static long Bytes(GgufNetwork network, SafetensorsType dtype) => network.Weights.Sum(w => w.Count * dtype.ByteSize());

    static void WriteTexts(string folder, GgufNetwork network, GgufTokenizer tokenizer, SafetensorsType dtype)
    {
        Json("config.json", json => network.WriteConfig(json, dtype switch { SafetensorsType.BF16 => "bfloat16", SafetensorsType.F16 => "float16", _ => "float32" }, tokenizer));
        Json("generation_config.json", json =>
        {
            json.WriteStartObject();
            tokenizer.WriteIds(json);
            json.WriteEndObject();
        });
        Json("tokenizer_config.json", json => tokenizer.WriteConfig(json, network.Context));
        WholeFile.Write(Path.Combine(folder, "tokenizer.json"), tokenizer.Write);
        if (tokenizer.ChatTemplate is { } template) WholeFile.Write(Path.Combine(folder, ChatTemplateFile), template);

        void Json(string name, Action<Utf8JsonWriter> write) => WholeFile.Write(Path.Combine(folder, name), stream =>
        {
            using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping })) write(json);
            stream.Write("\n"u8);
        });
    }

    // What was written is read as any model folder is, before the long part begins.
    static List<string> Check(string path, string folder, GgufTokenizer tokenizer)
    {
        var notes = new List<string>();
        try
        {
            TargetConfig.Read(folder);
            var read = Tokenizer.Load(folder);
            if (tokenizer.ChatTemplate is null) notes.Add("the file has no chat template: put a chat_template.jinja into the folder to talk to the model");
            else
                try
                {
                    ChatTemplate.Find(folder, read.SpecialTokens);
                }
                catch (AerieException problem)
                {
                    notes.Add($"its chat template cannot be read: {problem.Message.Replace(folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)}");
                }
        }
        catch (AerieException problem)
        {
            throw new AerieException($"{path}: {problem.Message.Replace(folder + Path.DirectorySeparatorChar, "its ", StringComparison.Ordinal)}", problem.Hint, problem);
        }
        foreach (var name in tokenizer.OtherTemplates) notes.Add($"its chat template '{name}' was left out: only the default one is written");
        return notes;
    }

    static void WriteWeights(string folder, GgufModel model, GgufNetwork network, SafetensorsType dtype, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        var (done, total) = (0L, Bytes(network, dtype));
        var longest = network.Weights.Max(w => w.Shape[^1]);
        var (numbers, bytes) = (new float[Math.Max(PieceLength, longest)], new byte[Math.Max(PieceLength, longest) * dtype.ByteSize()]);
        SafetensorsWriter.Write(Path.Combine(folder, SafetensorsFolder.SingleFile), network.Weights.Select(weight => new SafetensorsSource(weight.Name, dtype, weight.Shape, stream =>
        {
            var (columns, count) = (weight.Shape[^1], weight.Count);
            // A head's rows, of a bias its numbers, are in llama.cpp's order.
            if (weight.Shape.Length == 1 && weight.HeadSize > 0) columns = 1;
            var (rows, atOnce) = (count / columns, numbers.Length / columns);
            for (long row = 0; row < rows; row += atOnce)
            {
                cancellation.ThrowIfCancellationRequested();
                var piece = numbers.AsSpan(0, (int)(Math.Min(atOnce, rows - row) * columns));
                ReadRows(model, weight, weight.FirstRow + row, (int)columns, piece);
                var written = bytes.AsSpan(0, piece.Length * dtype.ByteSize());
                Narrow(piece, dtype, written, weight.Source);
                stream.Write(written);
                progress?.Report(new Progress("expand weights", done += written.Length, total));
            }
        })), new Dictionary<string, string> { ["format"] = "pt" });
    }

    static void ReadRows(GgufModel model, GgufWeight weight, long first, int columns, Span<float> to)
    {
        var (type, size) = (weight.Source.Type, weight.HeadSize);
        var rowBytes = columns / type.BlockLength * type.BlockBytes;
        if (size == 0)
        {
            type.Expand!(model.Bytes(weight.Source, first * rowBytes, to.Length / type.BlockLength * type.BlockBytes), to);
            return;
        }
        for (var row = first; to.Length > 0; row++, to = to[columns..])
        {
            var inHead = row % size;
            var source = row - inHead + inHead % (size / 2) * 2 + inHead / (size / 2);
            type.Expand!(model.Bytes(weight.Source, source * rowBytes, rowBytes), to[..columns]);
        }
    }

    static void Narrow(ReadOnlySpan<float> from, SafetensorsType dtype, Span<byte> to, GgufTensor tensor)
    {
        switch (dtype)
        {
            case SafetensorsType.F32:
                MemoryMarshal.AsBytes(from).CopyTo(to);
                break;
            case SafetensorsType.BF16:
                BFloat16.FromFloat(from, MemoryMarshal.Cast<byte, ushort>(to));
                break;
            default:
                for (var i = 0; i < from.Length; i++)
                {
                    var half = (Half)from[i];
                    if (Half.IsInfinity(half) && float.IsFinite(from[i])) throw new AerieException($"tensor {tensor} has the number {from[i]}, too large for f16", "Import as bf16 or f32.");
                    BinaryPrimitives.WriteHalfLittleEndian(to[(2 * i)..], half);
                }
                break;
        }
    }
}
