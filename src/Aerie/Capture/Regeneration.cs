// On-policy data: the target answers the prompts itself, and a drafter learns from these answers what it will have to guess. As NeMo AutoModel's
// `regenerate`: answers at the end of a conversation are dropped and written anew, rows without a question are skipped, shards appear whole.
// Output: shard-000000.jsonl ... with {"messages", "domain", "finish_reason"}, and manifest.json, by which --resume knows its own work.
using System.Text;
using System.Text.Json;
using Aerie.Data;
using Aerie.Decoding;
using Aerie.Formats;
using Aerie.Targets;

namespace Aerie.Capture;

/// <summary>How answers are made.</summary>
/// <param name="MaxNewTokens">Most tokens of an answer.</param>
/// <param name="Sequences">Answers written at once.</param>
/// <param name="ShardSize">Conversations per file.</param>
/// <param name="Resume">Go on where an interrupted run with the same settings stopped.</param>
public sealed record RegenerationOptions(int MaxNewTokens = 1024, int Sequences = 32, int ShardSize = 1000, bool Resume = false);

/// <summary>What became of the prompts.</summary>
/// <param name="Conversations">Answered conversations.</param>
/// <param name="Skipped">Rows without a question.</param>
/// <param name="Unfinished">Answers that were cut at the length limit.</param>
/// <param name="Tokens">Tokens written.</param>
/// <param name="Files">The shards.</param>
public sealed record RegenerationResult(int Conversations, int Skipped, int Unfinished, long Tokens, IReadOnlyList<string> Files);

/// <summary>Lets a target answer prompts.</summary>
public static class Regeneration
{
    /// <summary>Answers the prompts of a file into a folder.</summary>
    public static RegenerationResult Run(ChatTarget target, string input, string output, RegenerationOptions options, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        var conversations = ConversationReader.ReadPrompts(input);
        // Every prompt is looked at before anything is written.
        var prompts = conversations.Select(c => target.Prompt(c) is { } prompt ? target.Ask(prompt, options.MaxNewTokens, c.Source) : null).ToList();
        Prepare(output, Manifest(target, input, options), options.Resume);
        using var decoder = new GreedyDecoder(target.Network, options.Sequences);
        var files = new List<string>();
        var (done, skipped, unfinished, tokens) = (0, 0, 0, 0L);
        for (var first = 0; first < conversations.Count; first += options.ShardSize)
        {
            var file = Path.Combine(output, $"shard-{first / options.ShardSize:000000}.jsonl");
            files.Add(file);
            if (options.Resume && File.Exists(file)) continue;
            var count = Math.Min(options.ShardSize, conversations.Count - first);
            var asked = Enumerable.Range(first, count).Where(i => prompts[i] is not null).Select(i => (Conversation: conversations[i], Request: prompts[i]!)).ToList();
            skipped += count - asked.Count;
            var ended = new HashSet<int>();
            var answers = decoder.Decode([.. asked.Select(a => a.Request)], (request, token) =>
            {
                tokens++;
                if (target.EndTokenIds.Contains(token)) ended.Add(request);
                progress?.Report(new("regenerate answers", first + ended.Count, conversations.Count, $"{tokens} tokens"));
            }, cancellation);
            WholeFile.Write(file, stream =>
            {
                for (var i = 0; i < answers.Length; i++) Write(stream, asked[i].Conversation, target.Answer(answers[i]), ended.Contains(i));
            });
            done += answers.Length;
            unfinished += answers.Length - ended.Count;
        }
        progress?.Report(new("regenerate answers", conversations.Count, conversations.Count, $"{tokens} tokens"));
        return new(done, skipped, unfinished, tokens, files);
    }

    static void Write(Stream stream, Conversation conversation, string answer, bool finished)
    {
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (conversation.Domain is { } domain) json.WriteString("domain", domain);
            if (conversation.Tools is { } tools)
            {
                json.WritePropertyName("tools");
                tools.WriteTo(json);
            }
            json.WriteStartArray("messages");
            foreach (var message in ChatTarget.Question(conversation)) message.WriteTo(json);
            json.WriteStartObject();
            json.WriteString("role", "assistant");
            json.WriteString("content", answer);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteString("finish_reason", finished ? "stop" : "length");
            json.WriteEndObject();
        }
        stream.WriteByte((byte)'\n');
    }

    static void Prepare(string output, string manifest, bool resume)
    {
        var file = Path.Combine(output, "manifest.json");
        if (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
        {
            if (!resume) throw new AerieException($"{output}: is not empty.", "Choose a new folder, or go on with an interrupted run: --resume.");
            if (!File.Exists(file) || File.ReadAllText(file) != manifest) throw new AerieException($"{file}: was written with other settings.", "Resume with the settings of that run, or choose a new folder.");
            return;
        }
        Directory.CreateDirectory(output);
        WholeFile.Write(file, manifest);
    }

    static string Manifest(ChatTarget target, string input, RegenerationOptions options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("input_data", input);
            json.WriteString("model", target.Folder);
            json.WriteNumber("shard_size", options.ShardSize);
            json.WriteNumber("max_new_tokens", options.MaxNewTokens);
            json.WriteNumber("temperature", 0);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
