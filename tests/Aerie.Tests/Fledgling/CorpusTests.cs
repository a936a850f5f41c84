// The corpus of the embedded target: the same for a seed, right in its arithmetic, and never the same prompt on both sides.
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aerie.Fledgling;

namespace Aerie.Tests.Fledgling;

public sealed partial class CorpusTests
{
    static readonly Lazy<Example[]> Training = new(() => Stream(Side.Training, 1, 60_000));

    static Example[] Stream(Side side, ulong seed, int count)
    {
        var corpus = new Corpus(side, seed);
        return [.. Enumerable.Range(0, count).Select(_ => corpus.Next())];
    }

    internal static string Asset(string name)
    {
        string? folder = AppContext.BaseDirectory;
        while (!Directory.Exists(Path.Combine(folder, "assets", "fledgling")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("assets/fledgling above the tests");
        return Path.Combine(folder, "assets", "fledgling", name);
    }

    static (string Domain, string Prompt)[] Rows(string name) => [.. File.ReadLines(Asset(name)).Select(line =>
    {
        using JsonDocument row = JsonDocument.Parse(line);
        JsonElement message = row.RootElement.GetProperty("messages")[0];
        Assert.Equal("user", message.GetProperty("role").GetString());
        return (row.RootElement.GetProperty("domain").GetString()!, message.GetProperty("content").GetString()!);
    })];

    [Fact]
    public void A_seed_gives_the_same_corpus_and_another_seed_another()
    {
        Assert.Equal(Stream(Side.Training, 5, 500), Stream(Side.Training, 5, 500));
        Assert.NotEqual(Stream(Side.Training, 5, 500), Stream(Side.Training, 6, 500));
    }

    [Fact]
    public void A_held_out_prompt_can_never_be_drawn_for_training()
    {
        Assert.DoesNotContain(Training.Value, example => Corpus.IsHeldOut(example.Prompt));
        Assert.All(Stream(Side.HeldOut, 1, 2_000), example => Assert.True(Corpus.IsHeldOut(example.Prompt)));
    }

    [Fact]
    public void The_committed_prompts_are_on_their_side_and_all_different()
    {
        var training = Rows("prompts.jsonl");
        var heldOut = Rows("heldout.jsonl");
        Assert.All(heldOut, row => Assert.True(Corpus.IsHeldOut(row.Prompt)));
        Assert.DoesNotContain(training, row => Corpus.IsHeldOut(row.Prompt));
        Assert.Equal(training.Length + heldOut.Length, training.Concat(heldOut).Select(row => row.Prompt).Distinct().Count());
        Assert.Equal(Corpus.Asked.Select(domain => domain.Name).Order(), heldOut.Select(row => row.Domain).Distinct().Order());
        Assert.Empty(heldOut.Select(row => row.Prompt).Intersect(Training.Value.Select(example => example.Prompt)));
    }

    [Fact]
    public void The_prompt_alone_decides_the_answer()
    {
        var answers = new Dictionary<string, string>();
        foreach (Example example in Training.Value)
            Assert.Equal(answers.TryAdd(example.Prompt, example.Answer) ? example.Answer : answers[example.Prompt], example.Answer);
    }

    [Fact]
    public void Sums_and_conversions_are_right()
    {
        int checkedSums = 0;
        foreach (Example example in Training.Value.Where(example => example.Domain is "sums" or "conversions"))
            foreach (Match sum in Sum().Matches(example.Answer))
            {
                int a = int.Parse(sum.Groups[1].Value, CultureInfo.InvariantCulture), b = int.Parse(sum.Groups[3].Value, CultureInfo.InvariantCulture);
                int result = sum.Groups[2].Value switch { "+" => a + b, "-" => a - b, "x" => a * b, _ => a / b };
                Assert.True(result == int.Parse(sum.Groups[4].Value, CultureInfo.InvariantCulture), example.Answer);
                checkedSums++;
            }
        Assert.True(checkedSums > 15_000);
    }

    [GeneratedRegex(@"(?<!\d)(?<![-+] )(\d+) ([-+x/]) (\d+) = (\d+)")]
    private static partial Regex Sum();

    [Fact]
    public void Extracted_fields_are_json_and_stand_in_the_prompt()
    {
        foreach (Example example in Training.Value.Where(example => example.Domain == "extraction").Take(2_000))
        {
            using JsonDocument answer = JsonDocument.Parse(example.Answer[example.Answer.IndexOf('{', StringComparison.Ordinal)..]);
            foreach (JsonProperty field in answer.RootElement.EnumerateObject())
            {
                Assert.Contains(field.Name, example.Prompt, StringComparison.Ordinal);
                Assert.Contains(field.Value.ToString(), example.Prompt, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_trainer_joins_the_most_frequent_neighbours_first()
    {
        var trainer = new BytePairTrainer();
        trainer.Add("low low low lower newest newest 77");
        // l-o and o-w four times each, then " low" three times: counted by hand
        Assert.Equal([("l", "o"), ("lo", "w"), ("Ġ", "low")], trainer.Merges(3));
    }

    [Fact]
    public void The_tokenizer_files_are_those_that_the_command_makes()
    {
        string folder = Directory.CreateTempSubdirectory("aerie-fledgling").FullName;
        Assets.WriteText(folder, 1);
        foreach (string path in Directory.GetFiles(folder))
            Assert.True(File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(Asset(Path.GetFileName(path)))), path);
        Directory.Delete(folder, true);
    }
}
