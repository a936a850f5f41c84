// What is wrong with a JSON text, in words for the person who has it open: lines and bytes are counted from 1.
using System.Text.Json;

namespace Aerie.Formats;

static class JsonFault
{
    /// <summary>The reader's sentence without its own counting from 0; a text of one line, such as a row of a JSON Lines file, has no line number.</summary>
    public static string Words(JsonException fault, bool oneLine = false)
    {
        var sentence = fault.Message;
        if (sentence.StartsWith("The input does not contain any JSON tokens", StringComparison.Ordinal)) return "it is empty";
        var counting = sentence.IndexOf(" LineNumber:", StringComparison.Ordinal);
        if (counting < 0 || fault.LineNumber is not { } line || fault.BytePositionInLine is not { } position) return sentence;
        sentence = sentence[..counting].TrimEnd('.', ' ');
        return sentence + (oneLine ? $" (byte {position + 1})" : $" (line {line + 1}, byte {position + 1})");
    }
}
