// Which target a drafter belongs to: a fingerprint of the target's tensors (names, types, shapes, both ends of their bytes), so that it survives
// a move of the folder and tells a fine-tuned sibling apart, at the cost of a few pages per tensor.
using System.Security.Cryptography;
using System.Text;
using Aerie.Formats;

namespace Aerie.Training;

/// <summary>Fingerprints of targets.</summary>
public static class TargetIdentity
{
    const int Sample = 256;

    /// <summary>The fingerprint of a checkpoint folder, 32 hexadecimal digits.</summary>
    /// <exception cref="AerieException">It cannot be read.</exception>
    public static string Of(string folder)
    {
        using var files = SafetensorsFolder.Open(folder);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var entry in files.Entries.OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{entry.Name} {entry.Type.FormatName()} {string.Join(',', entry.Shape)}\n"));
            var count = (int)Math.Min(Sample, entry.ByteLength);
            hash.AppendData(files.Bytes(entry.Name, 0, count));
            hash.AppendData(files.Bytes(entry.Name, entry.ByteLength - count, count));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
