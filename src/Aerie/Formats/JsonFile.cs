// JSON files from outside: their size is limited before anything is read, they are UTF-8 and hold whole characters; every error names the file.
using System.Text.Json;
using System.Text.Unicode;

namespace Aerie.Formats;

static class JsonFile
{
    /// <summary>A parsed file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="most">Bytes above which it is refused.</param>
    /// <param name="missing">What to do where it is not there.</param>
    /// <param name="mend">Makes JSON of what its writer took for it.</param>
    /// <param name="options">How strict the parser is.</param>
    /// <exception cref="AerieException">It cannot be read, or is no JSON.</exception>
    internal static JsonDocument Read(string file, long most, string? missing = null, Func<byte[], byte[]>? mend = null, JsonDocumentOptions options = default)
    {
        try
        {
            if (!File.Exists(file)) throw new AerieException($"{file}: no such file", missing);
            if (new FileInfo(file).Length > most) throw new AerieException($"{file}: is above {most >> 20} MB", "Is it the right file?");
            var bytes = File.ReadAllBytes(file);
            if (bytes.AsSpan().StartsWith("version https://git-lfs"u8)) throw new AerieException($"{file}: is a Git LFS pointer, not the file itself", "Run `git lfs pull` in that folder, or download the file.");
            if (!Utf8.IsValid(bytes)) throw new AerieException($"{file}: not UTF-8", "Get the file again.");
            if (HalfCharacters.In(bytes)) throw new AerieException($"{file}: holds half of a character, which is no text", "Get the file again.");
            return JsonDocument.Parse(mend?.Invoke(bytes) ?? bytes, options);
        }
        catch (JsonException problem)
        {
            throw new AerieException($"{file}: not JSON: {JsonFault.Words(problem)}", "Get the file again.", problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new AerieException($"{file}: cannot be read: {problem.Message}", null, problem);
        }
    }
}
