// The name of a blob is its checksum: 64 digits are the sha256 of the content (large-file storage), 40 digits the id that git gives it:
//   sha1("blob " + size + "\0" + content)
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Aerie.Hub;

/// <summary>Checks content against the name of its blob while it arrives.</summary>
sealed class BlobHash : IDisposable
{
    readonly IncrementalHash hash;

    /// <param name="etag">The checksum.</param>
    /// <param name="size">Bytes of the whole content; git's id begins with them.</param>
    public BlobHash(string etag, long size)
    {
#pragma warning disable CA5350 // git's ids are sha1; who wants to fool us must fool git
        hash = IncrementalHash.CreateHash(etag.Length == 64 ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        if (etag.Length == 40) hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {size}\0")));
    }

    /// <summary>Is this a name that content can be checked against?</summary>
    public static bool IsChecksum(string etag) => etag.Length is 40 or 64 && etag.All(char.IsAsciiHexDigitLower);

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => hash.AppendData(bytes);

    /// <summary>The checksum of what was taken.</summary>
    public string Finish() => Convert.ToHexStringLower(hash.GetHashAndReset());

    /// <summary>The checksum of a file, in the manner of <paramref name="etag"/>.</summary>
    public static string OfFile(string path, string etag)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
        using var hash = new BlobHash(etag, stream.Length);
        var buffer = new byte[1 << 18];
        for (int n; (n = stream.Read(buffer)) > 0;) hash.Append(buffer.AsSpan(0, n));
        return hash.Finish();
    }

    public void Dispose() => hash.Dispose();
}
