// A JSON string with only the escapes that JSON demands, as Python's json.dumps(ensure_ascii=False) and Rust's serde_json write it.
// System.Text.Json's encoders escape more (characters beyond U+FFFF, U+007F), which would change files byte for byte.
using System.Globalization;
using System.Text;

namespace Aerie.Formats;

static class JsonString
{
    /// <summary>Appends <paramref name="text"/> in quotes.</summary>
    internal static StringBuilder AppendJson(this StringBuilder to, ReadOnlySpan<char> text)
    {
        to.Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => to.Append("\\\""),
                '\\' => to.Append("\\\\"),
                '\n' => to.Append("\\n"),
                '\r' => to.Append("\\r"),
                '\t' => to.Append("\\t"),
                '\b' => to.Append("\\b"),
                '\f' => to.Append("\\f"),
                < ' ' => to.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => to.Append(c),
            };
        }
        return to.Append('"');
    }
}
