// `aerie import` on a file that llama.cpp wrote: the folder that comes of it is a target.
using System.Text.Json;

namespace Aerie.Cli.Tests;

public sealed class ImportTests
{
    [Fact]
    public void A_file_of_llama_cpp_becomes_a_target()
    {
        using var folder = new TemporaryFolder();
        var output = folder.File("model");
        var run = AerieProcess.Run("import", Model(), output, "--dtype", "f32", "--json");
        Assert.Equal(0, run.ExitCode);
        var json = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(("llama", 12, 12384, 8), (json.GetProperty("architecture").GetString(), json.GetProperty("tensors").GetInt32(), json.GetProperty("parameters").GetInt32(), json.GetProperty("types").GetProperty("Q4_0").GetInt32()));
        Assert.Equal(json.GetProperty("files").EnumerateArray().Select(f => f.GetString()).Order(StringComparer.Ordinal), Directory.GetFiles(output).Order(StringComparer.Ordinal));
        Assert.Equal(0, AerieProcess.Run("inspect", output).ExitCode);
        var input = folder.Write("prompts.jsonl", """{"prompt":"abc"}""");
        Assert.Equal(0, AerieProcess.Run("regenerate", "--target", output, "--input-data", input, "--output-dir", folder.File("answers"), "--max-new-tokens", "4").ExitCode);
        // A second time: what is there stays.
        var again = AerieProcess.Run("import", Model(), output);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is not empty", again.Err, StringComparison.Ordinal);
    }

    static string Model()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "golden", "gguf", "tiny.Q4_0.gguf") is var path && File.Exists(path)) return path;
        throw new FileNotFoundException("tests/golden/gguf/tiny.Q4_0.gguf");
    }
}
