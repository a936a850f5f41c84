using Aerie.Drafters;
using Aerie.Tensors;

namespace Aerie.Tests.Drafters;

public class Eagle3WeightsTests
{
    public static TheoryData<string> Supported => ["eagle3_plain", "eagle3_norm_before_residual", "eagle3_1", "eagle3_norm_before_fc", "eagle3_wide_heads", "eagle3_frequency_vocabulary", "eagle3_shared_head", "eagle3_sliding_window"];

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
    [InlineData("eagle3_qwen3")]
    [InlineData("eagle3_two_layers")]
    [InlineData("eagle3_last_hidden_only")]
    public void Other_networks_are_refused_by_name(string name)
    {
        var problem = Assert.Throws<MachineException>(() => Eagle3Weights.Open(Golden.Path("drafters", name, "drafter")));
        Assert.Contains("does not support drafters", problem.Message, StringComparison.Ordinal);
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
