// `aerie import`: a llama.cpp file as a Hugging Face folder, which every other verb takes as a target.
using System.CommandLine;
using Aerie.Formats;
using Aerie.Import;

namespace Aerie.Cli.Verbs;

static class ImportVerb
{
    static readonly Argument<string> Model = new("MODEL") { Description = "A .gguf file; of a model in parts any of them." };
    static readonly Argument<string> Output = new("OUTPUT") { Description = "The folder to write; new." };
    static readonly Option<string> Type = new("--dtype") { Description = "Type of the weights: bf16, f16 or f32.", DefaultValueFactory = _ => "bf16" };

    public static Command Create()
    {
        Type.AcceptOnlyFromAmong("bf16", "f16", "f32");
        return new Verb("import", "Expand a llama.cpp file (GGUF) to a Hugging Face folder.", "aerie import tests/golden/gguf/tiny.Q4_0.gguf runs/tiny-model") { Model, Output, Type }.Does(Run);
    }

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var type = parsed.GetValue(Type) switch { "f32" => SafetensorsType.F32, "f16" => SafetensorsType.F16, _ => SafetensorsType.BF16 };
        GgufImportResult result;
        using (var bar = new ProgressBar()) result = GgufImport.Run(parsed.GetValue(Model)!, parsed.GetValue(Output)!, type, bar, cancellation);
        if (screen.Json)
            screen.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("architecture", result.Architecture);
                json.WriteNumber("tensors", result.Tensors);
                json.WriteNumber("parameters", result.Parameters);
                json.WriteStartObject("types");
                foreach (var (name, count) in result.Types) json.WriteNumber(name, count);
                json.WriteEndObject();
                foreach (var (name, list) in new[] { ("files", result.Files), ("notes", result.Notes) })
                {
                    json.WriteStartArray(name);
                    foreach (var item in list) json.WriteStringValue(item);
                    json.WriteEndArray();
                }
                json.WriteEndObject();
            });
        else
        {
            foreach (var file in result.Files) screen.Line(file);
            screen.Note($"{result.Architecture}, {result.Parameters:#,0} parameters in {result.Tensors} tensors ({string.Join(", ", result.Types.Select(t => $"{t.Value} {t.Key}"))})");
            foreach (var note in result.Notes) screen.Note($"note: {note}");
        }
        return ExitCode.Done;
    }
}
