using Aerie.Drafters;
using Aerie.Tensors;

namespace Aerie.Tests.Drafters;

public class Eagle3WeightsTests
{
    public static TheoryData<string> Supported => ["eagle3_plain", "eagle3_norm_before_residual", "eagle3_1", "eagle3_norm_before_fc", "eagle3_wide_heads", "eagle3_frequency_vocabulary", "eagle3_shared_head", "eagle3_sliding_window", "eagle3_qwen3", "eagle3_two_layers"];

    [Theory, MemberData(nameof(Supported))]
    public void Every_spelling_of_names_opens(string name)
    {
        using var weights = Eagle3Weights.Open(Golden.Path("drafters", name, "drafter"));
        Assert.True(weights.Has("layers.0.self_attn.q_proj.weight"));
        Assert.Equal(weights.Config.AuxCount, weights.Config.AuxLayers!.Count);
        using var qkv = weights.Matrix(DType.F32, "layers.0.self_attn.q_proj.weight", "layers.0.self_attn.k_proj.weight", "layers.0.self_attn.v_proj.weight");
        Assert.Equal((weights.Config.Heads + 2 * weights.Config.KeyValueHeads) * weights.Config.HeadSize, qkv.Rows);
    }

    [Theory]
    [InlineData("eagle3_qwen3", "queries and keys")]
    [InlineData("eagle3_two_layers", "more than one layer")]
    [InlineData("eagle3_last_hidden_only", "without aux hidden states")]
    public void Networks_that_are_not_trained_are_refused_by_name_and_exported_unchanged(string name, string form)
    {
        using var weights = Eagle3Weights.Open(Golden.Path("drafters", name, "drafter"));
        using var embedding = new Parameter("embed_tokens", Tensor.Allocate(new Shape(weights.Config.VocabularySize, weights.Config.HiddenSize)));
        var problem = Assert.Throws<MachineException>(() => new Eagle3(weights, new Eagle3Use(true), embedding));
        Assert.Contains(form, problem.Message, StringComparison.Ordinal);

        using var temporary = Golden.Temporary();
        using (var drafter = new Eagle3(weights, new Eagle3Use(false), embedding)) Eagle3Writer.Write(temporary.Path, drafter, DType.F32);
        using var again = Eagle3Weights.Open(temporary.Path);
        Assert.Equal(weights.Names.Order(), again.Names.Order());
        foreach (var tensor in weights.Names) Assert.Equal(weights.Values(tensor), again.Values(tensor));
        var (c, read) = (weights.Config, again.Config);
        Assert.Equal((c.Layers, c.QueryKeyNorm, c.LastHiddenOnly, c.AuxCount, c.HeadSize), (read.Layers, read.QueryKeyNorm, read.LastHiddenOnly, read.AuxCount, read.HeadSize));
    }

    [Fact]
    public void Layers_are_told_as_outputs_and_the_sliding_window_is_read()
    {
        var config = Eagle3Config.Read(Golden.Path("drafters", "eagle3_sliding_window", "drafter"));
        Assert.Equal([0, 2, 3], config.AuxLayers!);
        Assert.Equal(5, config.SlidingWindow);
        Assert.Null(Eagle3Config.Read(Golden.Path("drafters", "eagle3_sliding_window", "drafter"), Eagle3Layout.AutoModel).SlidingWindow);
    }
}
