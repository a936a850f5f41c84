using Aerie.Targets;

namespace Aerie.Tests.Targets;

public class TargetConfigTests
{
    [Theory]
    [InlineData("qwen3", "\"use_sliding_window\":false,\"sliding_window\":9", "")]
    [InlineData("qwen3", "\"use_sliding_window\":true,\"sliding_window\":9,\"max_window_layers\":2", "0 0 9")]
    [InlineData("qwen2", "\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"],\"sliding_window\":9", "9 0 9")]
    [InlineData("mistral", "\"x\":0", "4096 4096 4096")]
    [InlineData("mistral", "\"sliding_window\":null", "")]
    [InlineData("llama", "\"sliding_window\":9", "")]
    public void Windows_are_those_of_the_family(string family, string keys, string windows)
    {
        using var temporary = Golden.Temporary();
        File.WriteAllText(temporary.File("config.json"), $"{{\"model_type\":\"{family}\",\"hidden_size\":32,\"intermediate_size\":8,\"num_attention_heads\":4,\"num_hidden_layers\":3,\"vocab_size\":9,{keys}}}");
        var config = TargetConfig.Read(temporary.Path);
        Assert.Equal(windows, string.Join(' ', config.Windows));
        Assert.Equal((family == "qwen3" ? 128 : 8, family == "qwen2", family == "qwen3"), (config.HeadSize, config.AttentionBias, config.QueryKeyNorm));
    }

    [Fact]
    public void An_unknown_architecture_names_the_supported_ones()
    {
        var problem = Assert.Throws<AerieException>(() => TargetConfig.Read(Golden.Path("hostile", "config", "architecture_unsupported.json")));
        Assert.Contains("BertModel", problem.Message, StringComparison.Ordinal);
        Assert.Contains("LlamaForCausalLM", problem.Hint, StringComparison.Ordinal);
    }
}
