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
