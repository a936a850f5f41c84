// JSON may write half of a character ("\ud83d" alone): correct by its grammar, but no text, and .NET says so only when somebody reads that one string.
// Files from outside are asked once, before they are parsed.
using System.Buffers.Text;

namespace Aerie.Formats;

static class HalfCharacters
{
    /// <summary>Does the JSON write a high surrogate without a low one behind it, or a low one alone?</summary>
    internal static bool In(ReadOnlySpan<byte> json)
    {
        for (var at = 0; json[at..].IndexOf((byte)'\\') is >= 0 and var next;)
        {
            at += next;
            if (Unit(json, at) is not { } unit)
            {
                at = Math.Min(at + 2, json.Length);             // another escape: of two bytes
                continue;
            }
            at += 6;
            if (unit is < 0xD800 or > 0xDFFF) continue;
            if (unit >= 0xDC00 || Unit(json, at) is not (>= 0xDC00 and <= 0xDFFF)) return true;
            at += 6;
        }
        return false;
    }

    // The code unit of \uXXXX.
    static int? Unit(ReadOnlySpan<byte> json, int at)
        => at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u' && Utf8Parser.TryParse(json.Slice(at + 2, 4), out int unit, out var used, 'X') && used == 4 ? unit : null;
}
