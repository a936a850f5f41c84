// `aerie bench`: how fast this machine multiplies and decodes. The benchmarks against other libraries are in benchmarks/.
using System.CommandLine;
using Aerie.Evaluation;
using Aerie.Targets;
using Aerie.Tensors.Cpu;

namespace Aerie.Cli.Verbs;

static class BenchVerb
{
    static readonly Option<string?> Model = new("--target") { Description = "A target (folder or org/name[@revision]): its passes are timed too." };

    public static Command Create() => new Verb("bench", "Time matrix products and, with --target, a model's passes on this machine.", "aerie bench --target assets/fledgling") { Model }.Does(Run);

    static int Run(ParseResult parsed, Screen screen, CancellationToken cancellation)
    {
        var figures = new List<SpeedFigure>();
        void Add(SpeedFigure figure)
        {
            figures.Add(figure);
            if (!screen.Json) screen.Line($"{figure.Name,-40} {figure.Value,10:0.00} {figure.Unit}");
        }
        using var target = parsed.GetValue(Model) is { } model ? Target.Load(RecipeOptions.Local(model, cancellation: cancellation)) : null;
        if (!screen.Json)
            foreach (var line in Gemm.Describe()) screen.Line(line);
        if (target is not null)
            foreach (var figure in SpeedTest.Passes(target, cancellation)) Add(figure);
        foreach (var figure in SpeedTest.Products(cancellation)) Add(figure);
        if (screen.Json) screen.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("kernels");
            foreach (var line in Gemm.Describe()) json.WriteStringValue(line);
            json.WriteEndArray();
            json.WriteStartArray("figures");
            foreach (var figure in figures)
            {
                json.WriteStartObject();
                json.WriteString("name", figure.Name);
                json.WriteNumber("value", Math.Round(figure.Value, 4));
                json.WriteString("unit", figure.Unit);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        });
        return ExitCode.Done;
    }
}
