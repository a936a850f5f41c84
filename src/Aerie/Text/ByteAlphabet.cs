// GPT-2's alphabet: every byte as a printable character. 0x21-7E, A1-AC, AE-FF are themselves; the other 68, in order, are U+0100 ...
using System.Text;

namespace Aerie.Text;

static class ByteAlphabet
{
    static readonly char[] ToChar = new char[256];
    static readonly short[] ToByte = new short[0x144];

    static ByteAlphabet()
    {
        Array.Fill(ToByte, (short)-1);
        var next = '\u0100';
        for (var b = 0; b < 256; b++)
        {
            ToChar[b] = b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)b : next++;
            ToByte[ToChar[b]] = (short)b;
        }
    }

    /// <summary>The character of a byte.</summary>
    internal static char Character(byte b) => ToChar[b];

    /// <summary>The text's UTF-8 bytes as characters; the places follow.</summary>
    internal static Piece Map(Piece piece)
    {
        var text = piece.Span;
        var result = new StringBuilder(text.Length);
        var origin = piece.Known ? new List<int>(text.Length + 1) : null;
        Span<byte> bytes = stackalloc byte[4];
        for (var i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var length);
            foreach (var b in bytes[..rune.EncodeToUtf8(bytes)])
            {
                result.Append(ToChar[b]);
                origin?.Add(piece.Place(i));
            }
            i += length;
        }
        origin?.Add(piece.Place(text.Length));
        return piece.With(result.ToString(), origin?.ToArray());
    }

    /// <summary>The bytes that a token stands for: of its characters if all are of the alphabet, otherwise its own UTF-8.</summary>
    internal static byte[] Bytes(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (token[i] >= ToByte.Length || ToByte[token[i]] < 0) return Encoding.UTF8.GetBytes(token);
            bytes[i] = (byte)ToByte[token[i]];
        }
        return bytes;
    }
}
