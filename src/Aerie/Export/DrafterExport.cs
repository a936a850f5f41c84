// A drafter's folder as servers load it: config.json with every flag, model.safetensors with names that need no renaming, weights in bf16.
// A checkpoint of ours already has this form; others (NeMo AutoModel's, SpecForge's, speculators') are brought into it.
using Aerie.Drafters;
using Aerie.Formats;
using Aerie.Tensors;

namespace Aerie.Export;

/// <summary>Writes drafters for servers.</summary>
public static class DrafterExport
{
    /// <summary>Writes the drafter of one folder into another, which must be empty or not there yet.</summary>
    /// <param name="drafterFolder">A checkpoint, or a drafter of any layout that is read.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="dtype">BF16, as servers run it, or F32.</param>
    /// <returns>The files.</returns>
    /// <exception cref="AerieException">The drafter cannot be read, or the folder not be written.</exception>
    public static IReadOnlyList<string> Write(string drafterFolder, string folder, DType dtype = DType.BF16)
    {
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new AerieException($"{folder}: is not empty.", "Choose a new folder: an export never mixes with what is there.");
        using var weights = Eagle3Weights.Open(drafterFolder);
        // The writer leaves out an embedding that is the target's; an empty one stands in for it.
        using var embedding = weights.Has("embed_tokens.weight") ? null : new Parameter("embed_tokens", Tensor.Allocate(new Shape(weights.Config.VocabularySize, weights.Config.HiddenSize), DType.BF16));
        using var drafter = new Eagle3(weights, new Eagle3Use(Trainable: false), embedding);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AerieException($"{folder}: cannot be created: {e.Message}", "Choose another folder.", e);
        }
        try
        {
            Eagle3Writer.Write(folder, drafter, dtype);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);   // it was ours alone: a config without weights helps nobody
            throw;
        }
        return [Path.Combine(folder, "config.json"), Path.Combine(folder, SafetensorsFolder.SingleFile)];
    }

    /// <summary>The command that serves a target with an exported drafter in vLLM.</summary>
    public static string VllmCommand(string target, string folder, int draftTokens) =>
        $$"""vllm serve {{target}} --speculative-config '{"method": "eagle3", "model": "{{folder}}", "num_speculative_tokens": {{draftTokens}}}'""";
}
