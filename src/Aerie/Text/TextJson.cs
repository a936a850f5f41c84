// Reads the JSON files of tokenizers and templates: errors name the file.
using System.Text.Json;
using System.Text.Unicode;
using Aerie.Formats;

namespace Aerie.Text;

static class TextJson
{
    const long LargestFile = 256 << 20;                       // tokenizer.json of a vocabulary of 256k is 33 MB

    /// <summary>A parsed file.</summary>
    /// <exception cref="AerieException">It cannot be read, or is no JSON.</exception>
    internal static JsonDocument Read(string file)
    {
        byte[] bytes;
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > LargestFile }) throw new AerieException($"{file}: is above {LargestFile >> 20} MB");
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new AerieException($"{file}: cannot be read: {problem.Message}", "A model folder needs its tokenizer.json.", problem);
        }
        try
        {
            if (bytes.AsSpan().StartsWith("version https://git-lfs"u8)) throw new AerieException($"{file}: is a Git LFS pointer, not the file itself", "Run `git lfs pull` in that folder, or download the file.");
            if (!Utf8.IsValid(bytes)) throw new AerieException($"{file}: is not UTF-8");
            if (HalfCharacters.In(bytes)) throw new AerieException($"{file}: holds half of a character, which is no text", "Get the file again.");
            return JsonDocument.Parse(bytes);
        }
        catch (JsonException problem)
        {
            throw new AerieException($"{file}: not JSON: {problem.Message}", null, problem);
        }
    }
}
