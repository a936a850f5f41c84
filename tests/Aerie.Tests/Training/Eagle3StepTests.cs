using Aerie.Parity;
using Aerie.Parity.Kinds;
using Aerie.Tensors;

namespace Aerie.Tests.Training;

public sealed class Eagle3StepTests
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
