// `aerie export`: a drafter's folder as servers load it.
using System.CommandLine;
using Aerie.Export;
using Aerie.Tensors;
using Aerie.Training;

namespace Aerie.Cli.Verbs;

static class ExportVerb
{
    static readonly Argument<string> Drafter = new("DRAFTER") { Description = "A drafter folder, a checkpoint, or a run folder (its best checkpoint)." };
    static readonly Argument<string> Output = new("OUTPUT") { Description = "The folder to write; new." };
    static readonly Option<string> Type = new("--dtype") { Description = "Type of the weights: bf16 or f32.", DefaultValueFactory = _ => "bf16" };

    public static Command Create()
    {
        Type.AcceptOnlyFromAmong("bf16", "f32");
        return new Verb("export", "Write a drafter as vLLM loads it.", "aerie export runs/tiny-cpu exported") { Drafter, Output, Type }.Does(Run);
    }

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var (from, to) = (RunFolder.FindDrafter(RecipeOptions.Local(parsed.GetValue(Drafter)!, cancellation: cancellation)), parsed.GetValue(Output)!);
        var files = DrafterExport.Write(from, to, parsed.GetValue(Type) == "f32" ? DType.F32 : DType.BF16);
        if (screen.Json)
            screen.Write(json =>
            {
                json.WriteStartObject();
                json.WriteString("drafter", from);
                json.WriteStartArray("files");
                foreach (var file in files) json.WriteStringValue(file);
                json.WriteEndArray();
                json.WriteEndObject();
            });
        else
        {
            foreach (var file in files) screen.Line(file);
            screen.Note($"serve it: {DrafterExport.VllmCommand("TARGET", to, 5)}");
        }
        return ExitCode.Done;
    }
}
