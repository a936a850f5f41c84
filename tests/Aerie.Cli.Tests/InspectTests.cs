// `aerie inspect` of targets: from nothing but a config.json, with each engine's number of a layer.
using System.Text.Json;

namespace Aerie.Cli.Tests;

public sealed class InspectTests
{
    // Llama-3.2-1B's published config; 1,235,814,400 parameters says its model card.
    const string Llama1B = """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8,
         "head_dim": 64, "vocab_size": 128256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
         "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}}
        """;

    [Fact]
    public void A_config_alone_is_enough()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Llama1B);
        var run = AerieProcess.Run("inspect", folder.Path, "--aux-layers", "12,2,7", "--json");
        Assert.True(run.ExitCode == 0, run.Err);
        var json = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal((1_235_814_400, false), (json.GetProperty("parameters").GetInt64(), json.GetProperty("has_weights").GetBoolean()));
        Assert.Equal(2 * 1_235_814_400L, json.GetProperty("weights_bytes").GetInt64());
        int[] List(string name) => [.. json.GetProperty(name).EnumerateArray().Select(e => e.GetInt32())];
        Assert.Equal([1, 7, 12], List("default_aux_layers"));
        Assert.Equal([2, 7, 12], List("chosen_aux_layers"));
        Assert.Equal([3, 8, 13], List("chosen_aux_layers_in_vllm"));
        Assert.Equal([2, 7, 12], List("chosen_aux_layers_in_sglang"));
        var layers = json.GetProperty("layer_table").EnumerateArray().ToArray();
        Assert.Equal((16, "*-", "attention + mlp"), (layers.Length, layers[3].GetProperty("pattern").GetString(), layers[3].GetProperty("kind").GetString()));

        var table = AerieProcess.Run("inspect", folder.Path);
        Assert.Contains("config only", table.Out, StringComparison.Ordinal);
        Assert.Contains("default aux layers     [1, 7, 12]; in vLLM [2, 8, 13], in SGLang [1, 7, 12]", table.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1,16")]
    [InlineData("1;2")]
    [InlineData("-1")]
    public void A_layer_that_is_not_there_is_an_error(string layers)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", Llama1B);
        var run = AerieProcess.Run("inspect", folder.Path, $"--aux-layers={layers}");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("is no layer of this target", run.Err, StringComparison.Ordinal);
        Assert.Contains("Layers are 0 to 15", run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_in_files_do_not_steer_the_terminal()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """{"architectures": ["\u001b[2JLlama"], "model_type": "llama"}""");
        var run = AerieProcess.Run("inspect", folder.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("?[2JLlama", run.Err, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_model_is_named()
    {
        using var folder = new TemporaryFolder();
        var run = AerieProcess.Run("inspect", folder.Path);
        Assert.True(run.ExitCode == 2 && run.Err.Contains("has neither config.json nor a run's checkpoints", StringComparison.Ordinal), run.Err);
        folder.Write("model.gguf", "GGUF");
        run = AerieProcess.Run("inspect", System.IO.Path.Combine(folder.Path, "model.gguf"));
        Assert.True(run.ExitCode == 2 && run.Err.Contains("aerie import", StringComparison.Ordinal), run.Err);
        folder.Write("config.json", Llama1B);
        run = AerieProcess.Run("inspect", folder.Path, "--aux-layers", "");
        Assert.True(run.ExitCode == 2 && run.Err.Contains("which layers?", StringComparison.Ordinal), run.Err);
    }
}
