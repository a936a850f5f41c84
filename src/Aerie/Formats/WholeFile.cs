// A file is written whole or not at all: under a temporary name beside its place, flushed to the disk, then renamed over the old one.
namespace Aerie.Formats;

/// <summary>Writes files so that a crash, a full disk or an interruption never leaves half a file under the final name.</summary>
public static class WholeFile
{
    /// <summary>Writes <paramref name="path"/> by <paramref name="write"/>; on any failure the old file (or none) is what remains.</summary>
    /// <exception cref="AerieException">The folder cannot be written, or the disk is full.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var temporary = $"{path}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception problem)
        {
            Remove(temporary);
            if (problem is IOException or UnauthorizedAccessException || IsTooLarge(problem))
                throw new AerieException($"{path}: cannot be written: {problem.Message}", "Check the folder, its permissions and the free space of its disk.", problem);
            throw;
        }
    }

    /// <summary>Writes <paramref name="text"/> as UTF-8.</summary>
    /// <exception cref="AerieException">The folder cannot be written, or the disk is full.</exception>
    public static void Write(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>The disk takes no file of this size (FAT: 4 GiB; a quota): .NET has no <see cref="IOException"/> for that.</summary>
    internal static bool IsTooLarge(Exception problem) => problem is ArgumentOutOfRangeException { ParamName: "value" } && problem.StackTrace?.Contains("System.IO.RandomAccess", StringComparison.Ordinal) == true;

    static void Remove(string temporary)
    {
        try { File.Delete(temporary); }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException) { }   // the first error is the one to tell
    }
}
