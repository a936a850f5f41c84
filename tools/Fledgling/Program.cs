// Makes the embedded target: `dotnet run -c Release --project tools/Fledgling -- make --out assets/fledgling`.
using System.Globalization;
using Aerie;
using Aerie.Fledgling;

const string Usage = """
    make   --out FOLDER [--seed N] [--minutes M | --steps S]   tokenizer, prompts, weights, report: everything in assets/fledgling
    train  --out FOLDER [--seed N] [--minutes M | --steps S]   weights and report only
    text   --out FOLDER [--seed N]                  tokenizer and prompt files only
    judge  --out FOLDER [--seed N] [--count N]      how many held-out prompts the model in the folder answers exactly; shows some
    card   --out FOLDER --steps S --minutes M       judges the model of a run of S steps in M minutes anew and rewrites README.md
    show   [--count N] [--seed N]                   prints conversations of the corpus
    """;

try
{
    Options options = Options.Parse(args, Usage);
    switch (options.Verb)
    {
        case "show":
            var corpus = new Corpus(Side.Training, options.Seed);
            for (int i = 0; i < options.Number("--count", 20); i++)
            {
                Example example = corpus.Next();
                Console.WriteLine($"[{example.Domain}] {example.Prompt}\n{example.Answer}\n");
            }
            return 0;
        case "judge":
            List<Example> heldOut = Assets.HeldOut(options.Seed);
            string[] answers = Evaluation.Answers(options.Folder, heldOut);
            for (int i = 0; i < Math.Min(heldOut.Count, options.Number("--count", 0)); i++)
                Console.WriteLine($"{heldOut[i].Prompt}\n{answers[i]}\n");
            Console.WriteLine(ModelCard.Shares(heldOut, answers));
            return 0;
        case "card":
            Assets.WriteCard(options.Folder, new TrainingPlan(options.Seed, 0, options.Number("--minutes", 28)), (int)options.Number("--steps", 0));
            return 0;
        case "text":
            Assets.WriteText(options.Folder, options.Seed);
            return 0;
        case "train":
            Assets.Train(options.Folder, new TrainingPlan(options.Seed, (int)options.Number("--steps", 0), options.Number("--minutes", 28)));
            return 0;
        case "make":
            Assets.WriteText(options.Folder, options.Seed);
            goto case "train";
        default:
            throw new AerieException($"unknown verb '{options.Verb}'", Usage);
    }
}
catch (AerieException mistake)
{
    Console.Error.WriteLine(mistake.Message + "\n" + mistake.Hint);
    return 2;
}

internal sealed record Options(string Verb, Dictionary<string, string> Values)
{
    static readonly string[] Known = ["--out", "--seed", "--count", "--minutes", "--steps"];

    public string Folder => Values.GetValueOrDefault("--out") ?? throw new AerieException("--out is missing", "name the folder to write, for example --out assets/fledgling");
    public ulong Seed => (ulong)Number("--seed", 1);

    public double Number(string name, double otherwise) => !Values.TryGetValue(name, out string? text) ? otherwise
        : double.TryParse(text, CultureInfo.InvariantCulture, out double value) && value >= 0 ? value
        : throw new AerieException($"{name} needs a number, not '{text}'");

    public static Options Parse(string[] arguments, string usage)
    {
        if (arguments.Length % 2 == 0)
            throw new AerieException("a verb and options with values are needed", usage);
        var values = new Dictionary<string, string>();
        for (int i = 1; i < arguments.Length; i += 2)
            values[Known.Contains(arguments[i]) ? arguments[i] : throw new AerieException($"unknown option '{arguments[i]}'", usage)] = arguments[i + 1];
        return new Options(arguments[0], values);
    }
}
