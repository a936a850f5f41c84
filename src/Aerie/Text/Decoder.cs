// Decoders of tokenizer.json: token strings to text. Each works on a list of strings. An unknown one is refused by name.
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Aerie.Text.Components;

namespace Aerie.Text;

/// <summary>Changes the list of token strings; the text is what they make together.</summary>
abstract class Decoder
{
    internal abstract List<string> Apply(List<string> tokens);

    internal static Decoder Read(ComponentJson json) => json.Type switch
    {
        "Sequence" => new Several([.. json.List("decoders").Select(Read)]),
        "ByteLevel" => new ByteLevel(),
        "Replace" => new Replace(new Needle(json), json.Text("content")),
        "ByteFallback" => new ByteFallback(),
        "Fuse" => new Fuse(),
        "Strip" => new Strip(json.Text("content"), json.Number("start", 0), json.Number("stop", 0)),
        "Metaspace" => new Metaspace(PreTokenizer.MetaspaceMark(json), PreTokenizer.MetaspaceScheme(json) != "never"),
        _ => throw json.Unsupported("decoder"),
    };

    sealed class Several(Decoder[] steps) : Decoder
    {
        internal override List<string> Apply(List<string> tokens) => steps.Aggregate(tokens, (list, step) => step.Apply(list));
    }

    // The bytes of all tokens together, ill-formed parts as U+FFFD.
    internal sealed class ByteLevel : Decoder
    {
        internal override List<string> Apply(List<string> tokens) => [Encoding.UTF8.GetString([.. tokens.SelectMany(ByteAlphabet.Bytes)])];
    }

    sealed class Replace(Needle needle, string content) : Decoder
    {
        internal override List<string> Apply(List<string> tokens) => tokens.ConvertAll(token =>
        {
            var result = new StringBuilder();
            var at = 0;
            foreach (var (start, end) in needle.Matches(token))
            {
                result.Append(token, at, start - at).Append(content);
                at = end;
            }
            return at == 0 && result.Length == 0 ? token : result.Append(token, at, token.Length - at).ToString();
        });
    }

    // Runs of <0xHH> become their text, or one U+FFFD per byte if they are no UTF-8.
    sealed class ByteFallback : Decoder
    {
        internal override List<string> Apply(List<string> tokens)
        {
            var result = new List<string>();
            var run = new List<byte>();
            foreach (var token in tokens)
            {
                if (token is ['<', '0', 'x', _, _, '>'] && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
                {
                    run.Add(b);
                    continue;
                }
                Flush();
                result.Add(token);
            }
            Flush();
            return result;

            void Flush()
            {
                byte[] bytes = [.. run];
                run.Clear();
                if (bytes.Length == 0) return;
                if (Utf8.IsValid(bytes)) result.Add(Encoding.UTF8.GetString(bytes));
                else foreach (var _ in bytes) result.Add("\uFFFD");
            }
        }
    }

    sealed class Fuse : Decoder
    {
        internal override List<string> Apply(List<string> tokens) => [string.Concat(tokens)];
    }

    // Up to `start` copies of the content at the beginning of every string, up to `stop` at its end.
    sealed class Strip(string content, int start, int stop) : Decoder
    {
        internal override List<string> Apply(List<string> tokens) => content.Length == 0 ? tokens : tokens.ConvertAll(token =>
        {
            for (var i = 0; i < start && token.StartsWith(content, StringComparison.Ordinal); i++) token = token[content.Length..];
            for (var i = 0; i < stop && token.EndsWith(content, StringComparison.Ordinal); i++) token = token[..^content.Length];
            return token;
        });
    }

    sealed class Metaspace(char mark, bool dropFirst) : Decoder
    {
        internal override List<string> Apply(List<string> tokens) =>
            [.. tokens.Select((token, i) => i == 0 && dropFirst && token.StartsWith(mark) ? token[1..].Replace(mark, ' ') : token.Replace(mark, ' '))];
    }
}
