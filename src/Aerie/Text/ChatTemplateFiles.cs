// Where a model folder keeps its chat templates. Files win over tokenizer_config.json, as in transformers:
//   chat_template.jinja                     the template `default`
//   additional_chat_templates/NAME.jinja    others by name (tool_use, rag ...)
//   chat_template.json                      {"chat_template": ...}, as processors wrote it
//   tokenizer_config.json                   "chat_template": a text, a list of {"name", "template"}, or an object of names and texts
using System.Text;
using System.Text.Json;
using Aerie.Formats;

namespace Aerie.Text;

static class ChatTemplateFiles
{
    const int LargestFile = 1 << 24;

    /// <summary>A template's text, its file, and where in it.</summary>
    internal sealed record Source(string File, string Where, string Text);

    /// <summary>The folder's templates by name.</summary>
    internal static Dictionary<string, Source> In(string folder)
    {
        var found = new Dictionary<string, Source>();
        File("default", "chat_template.jinja");
        var more = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(more))
        {
            foreach (var file in Directory.EnumerateFiles(more, "*.jinja").Order(StringComparer.Ordinal)) File(Path.GetFileNameWithoutExtension(file), file);
        }
        Json("chat_template.json");
        Json("tokenizer_config.json");
        return found;

        void File(string name, string file)
        {
            file = Path.Combine(folder, file);
            if (System.IO.File.Exists(file)) found.TryAdd(name, new Source(file, file, ReadText(file)));
        }

        void Json(string name)
        {
            var file = Path.Combine(folder, name);
            if (!System.IO.File.Exists(file)) return;
            using var document = JsonFile.Read(file, Tokenizer.LargestFile);
            var json = new ComponentJson(document.RootElement, file);
            switch (json.Find("chat_template"))
            {
                case null:
                    break;
                case { ValueKind: JsonValueKind.String } text:
                    found.TryAdd("default", new Source(file, file, text.GetString()!));
                    break;
                case { ValueKind: JsonValueKind.Array }:
                    foreach (var item in json.List("chat_template")) found.TryAdd(item.Text("name"), new Source(file, item.Path, item.Text("template")));
                    break;
                case { ValueKind: JsonValueKind.Object } names:
                    foreach (var item in names.EnumerateObject()) found.TryAdd(item.Name, item.Value.ValueKind == JsonValueKind.String ? new Source(file, $"{file}: {item.Name}", item.Value.GetString()!) : throw json.Bad($"the chat template '{item.Name}' is not a string"));
                    break;
                default:
                    throw json.Bad("'chat_template' is neither a text nor a list of named ones");
            }
        }
    }

    /// <summary>The text of a template file.</summary>
    internal static string ReadText(string file)
    {
        try
        {
            if (new FileInfo(file).Length > LargestFile) throw new AerieException($"{file}: is above {LargestFile >> 20} MB");
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(System.IO.File.ReadAllBytes(file));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new AerieException($"{file}: cannot be read: {problem.Message}", null, problem);
        }
    }
}
