// What users get wrong ends in two lines and the right exit code, and leaves nothing behind.
namespace Aerie.Cli.Tests;

public sealed class BadInputTests
{
    static readonly string Fledgling = Path.Combine(AppContext.BaseDirectory, "assets", "fledgling");
    const string Good = """{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello there"}]}""";

    static void Fails(int code, string says, params string[] arguments)
    {
        var run = AerieProcess.Run(arguments);
        Assert.Contains(says, run.Err, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Err, StringComparison.Ordinal);
        Assert.InRange(run.Err.TrimEnd().Split('\n').SkipWhile(l => !l.StartsWith("error: ", StringComparison.Ordinal)).Count(), 1, 2);
        Assert.Equal((code, ""), (run.ExitCode, run.Out));
    }

    static string Recipe(TemporaryFolder folder, string? target = null, string? data = null, string more = "") => folder.Write("recipe.yaml", $"""
        recipe: TrainEagle3Recipe
        recipe_args:
          target_model_name_or_path: {target ?? Fledgling}
          train_data_path: {folder.Write("data.jsonl", data ?? Good)}
          output_dir: {folder.File("out")}
          seq_length: 128
          micro_batch_size: 2
          num_epochs: 1
          ttt_steps: 3
        {more}
        optimizer:
          lr: 1e-3
        """);

    [Theory]
    [InlineData("  ttt_stepz: 3", "recipe.yaml:10:3: unknown key `ttt_stepz` in recipe_args.")]
    [InlineData("  fc_norm: maybe", "recipe.yaml:10:12: `recipe_args.fc_norm` must be true or false, not `maybe`.")]
    [InlineData("  seq_length: 64", "recipe.yaml:10:3: the key `seq_length` appears twice")]
    [InlineData("  restore_from: LATEST", "unknown key `restore_from` in recipe_args.")]
    public void A_recipe_with_a_mistake(string line, string says)
    {
        using var folder = new TemporaryFolder();
        Fails(2, says, "train", Recipe(folder, more: line));
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Theory]
    [InlineData("", "has no rows")]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""", "line 1: has no assistant turn")]
    [InlineData("{\"messages\":", "line 1: not JSON")]
    public void Data_that_nothing_can_be_learnt_from(string data, string says)
    {
        using var folder = new TemporaryFolder();
        Fails(2, says, "train", Recipe(folder, data: data));
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void Targets_that_are_none()
    {
        using var folder = new TemporaryFolder();
        Fails(2, "no such folder", "train", Recipe(folder, target: folder.File("nowhere")));
        var broken = folder.File("target");
        Directory.CreateDirectory(broken);
        foreach (var file in Directory.GetFiles(Fledgling)) File.Copy(file, Path.Combine(broken, Path.GetFileName(file)));
        using (var weights = File.OpenWrite(Path.Combine(broken, "model.safetensors"))) weights.SetLength(weights.Length / 2);
        Fails(2, "model.safetensors", "train", Recipe(folder, target: broken));
        File.Delete(Path.Combine(broken, "model.safetensors"));
        Fails(2, "model.safetensors", "evaluate", "--target", broken, "--drafter", broken, "--data", Recipe(folder));
        var config = File.ReadAllText(Path.Combine(Fledgling, "config.json"));
        File.Copy(Path.Combine(Fledgling, "model.safetensors"), Path.Combine(broken, "model.safetensors"));
        File.WriteAllText(Path.Combine(broken, "config.json"), config.Replace("\"hidden_size\": 192", "\"hidden_size\": 96", StringComparison.Ordinal));
        Fails(2, "error: ", "train", Recipe(folder, target: broken));
        File.WriteAllText(Path.Combine(broken, "config.json"), config.Replace("LlamaForCausalLM", "MambaForCausalLM", StringComparison.Ordinal).Replace("\"llama\"", "\"mamba\"", StringComparison.Ordinal));
        Fails(2, "LlamaForCausalLM", "train", Recipe(folder, target: broken));
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Theory]
    [InlineData("GGUF\u0003\0\0\0", "ends at byte 8, within the number of tensors")]
    [InlineData("GGUF\0\0\0\u0003\0\0\0\0", "big-endian")]
    [InlineData("{\"a\":1}", "does not begin with GGUF")]
    public void Files_that_are_no_gguf(string bytes, string says)
    {
        using var folder = new TemporaryFolder();
        Fails(2, says, "import", folder.Write("model.gguf", bytes), folder.File("out"));
        Assert.Equal([folder.File("model.gguf")], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_prompt_longer_than_the_context()
    {
        using var folder = new TemporaryFolder();
        var input = folder.Write("prompts.jsonl", $$"""{"prompt":"{{string.Concat(Enumerable.Repeat("one two three ", 400))}}"}""");
        Fails(2, "prompts.jsonl: line 1: a prompt of", "regenerate", "--target", Fledgling, "--input-data", input, "--output-dir", folder.File("answers"));
        Assert.False(Directory.Exists(folder.File("answers")));
    }

    [Fact]
    public void What_this_version_lacks_is_exit_3()
    {
        using var folder = new TemporaryFolder();
        Fails(3, "--target-server is not supported", "regenerate", "--target", Fledgling, "--input-data", "x", "--output-dir", "y", "--target-server", "http://localhost:1");
        Fails(3, "--temperature", "regenerate", "--target", Fledgling, "--input-data", "x", "--output-dir", "y", "--temperature", "0.7");
    }

    [Theory]
    [InlineData("quickstart", "--target", "x")]
    [InlineData("quickstart", "--set", "optimizer.lr=fast")]
    [InlineData("evaluate", "--draft-tokens", "0")]
    [InlineData("evaluate", "--target", "x")]
    [InlineData("inspect", "/nowhere/at/all")]
    [InlineData("export", "/nowhere/at/all", "out")]
    [InlineData("import", "/nowhere/at/all.gguf", "out")]
    [InlineData("import", "/nowhere/at/all.gguf", "out", "--dtype", "int8")]
    [InlineData("train", "/nowhere/at/all.yaml")]
    [InlineData("bench", "--target", "/nowhere/at/all")]
    public void Bad_usage(params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var run = AerieProcess.RunIn(folder.Path, new Dictionary<string, string>(), arguments);
        Assert.StartsWith("error: ", run.Err, StringComparison.Ordinal);
        Assert.InRange(run.Err.TrimEnd().Split('\n').Length, 1, 2);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
