// A draft vocabulary on its own: a safetensors file with d2t. It lets several runs share one choice.
using System.Buffers.Binary;
using Aerie.Formats;

namespace Aerie.Data;

/// <summary>Reads and writes draft vocabularies.</summary>
public static class DraftVocabularyFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="AerieException">It is not there, damaged, or of another target.</exception>
    public static DraftVocabulary Read(string path, int targetVocabularySize)
    {
        using var file = SafetensorsFolder.Open(path);
        var entry = file.Get("d2t");
        if (entry.Type != SafetensorsType.I64 || entry.Shape.Length != 1) throw new AerieException($"{path}: {entry} should be a list of I64.", "Delete the file to choose the tokens anew.");
        var bytes = file.Bytes("d2t");
        var d2t = new long[entry.Count];
        for (var i = 0; i < d2t.Length; i++) d2t[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(8 * i)..]);
        return DraftVocabulary.FromD2T(d2t, targetVocabularySize);
    }

    /// <summary>Writes a file, whole or not at all.</summary>
    public static void Write(string path, DraftVocabulary vocabulary)
    {
        var bytes = new byte[8 * vocabulary.Size];
        for (var i = 0; i < vocabulary.Size; i++) BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * i), vocabulary.D2T[i]);
        SafetensorsWriter.Write(path, [new SafetensorsSource("d2t", SafetensorsType.I64, [vocabulary.Size], bytes)]);
    }
}
