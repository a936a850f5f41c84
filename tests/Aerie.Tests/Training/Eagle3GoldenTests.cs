using Aerie.Parity;
using Aerie.Parity.Kinds;
using Aerie.Tensors;

namespace Aerie.Tests.Training;

public sealed class Eagle3GoldenTests
{
    public static TheoryData<string> Cases()
    {
        var steps = new TheoryData<string>();
        foreach (string name in Golden.Cases("eagle3").Select<object[], object>(row => row[0]))
            if (!name.StartsWith("train_", StringComparison.Ordinal)) steps.Add(name);
        return steps;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Reference_kernels_give_the_trainers_own_numbers(string name) => Check(name, Kernels.Reference);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fast_kernels_give_the_trainers_own_numbers(string name) => Check(name, Kernels.Cpu);

    [Theory]
    [InlineData("train_automodel", false)]
    [InlineData("train_automodel", true)]
    [InlineData("train_automodel_31_packed_flush", false)]
    [InlineData("train_automodel_31_packed_flush", true)]
    [InlineData("train_specforge", false)]
    [InlineData("train_specforge", true)]
    [InlineData("train_specforge_bf16_information", true)]
    public void Whole_runs_end_at_the_trainers_own_weights_and_moments(string name, bool fast)
    {
        var folder = new CaseFolder(Golden.Path("eagle3", name));
        var results = TrainingRun.Run(folder, fast ? Kernels.Cpu : Kernels.Reference).ToList();
        Assert.True(results.Count > 30);
        if (!folder.Advisory) Assert.All(results, r => Assert.True(r.Within, $"{r.Name}: {r.LargestError} {r.Note}"));
    }

    [Theory]
    [InlineData("\"ttt_steps\": 3", "\"ttt_steps\": \"three\"", ParityOutcome.Unreadable)]
    [InlineData("\"semantics\": \"automodel\"", "\"semantics\": \"somebody's\"", ParityOutcome.NotSupported)]
    [InlineData("\"supervision\": \"logits\"", "\"supervision\": \"probs\"", ParityOutcome.Unreadable)]
    [InlineData("\"frame\": \"trainer\"", "\"frame\": \"document\"", ParityOutcome.Exceeded)]
    public void A_case_that_says_something_else_is_told(string from, string to, ParityOutcome outcome)
    {
        using var copy = Golden.Temporary();
        foreach (var file in Directory.EnumerateFiles(Golden.Path("eagle3", "trainer_frame"), "*", SearchOption.AllDirectories))
        {
            var place = copy.File(Path.GetRelativePath(Golden.Path("eagle3", "trainer_frame"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.Copy(file, place);
        }
        var text = File.ReadAllText(copy.File("case.json"));
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(copy.File("case.json"), text.Replace(from, to, StringComparison.Ordinal));
        Assert.Equal(outcome, ParityRun.Run(copy.Path).Outcome);
    }

    static void Check(string name, IKernels kernels)
    {
        var folder = new CaseFolder(Golden.Path("eagle3", name));
        if (folder.Text("semantics") == "speculators")
        {
            Assert.Throws<MachineException>(() => Eagle3Step.Run(folder, kernels).ToList());
            return;
        }
        var results = Eagle3Step.Run(folder, kernels).ToList();
        Assert.NotEmpty(results);
        if (folder.Advisory) return;
        Assert.All(results, r => Assert.True(r.Within, $"{r.Name}: {r.LargestError} {r.Note}"));
    }
}
