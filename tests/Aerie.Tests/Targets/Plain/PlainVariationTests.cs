// Every target beside the plain implementation, over what its config may say: each key and default of golden/models/README.md, odd sizes, short and long texts, both spellings, with `aerie parity`.
using System.Text.Json.Nodes;
using Aerie.Parity;

namespace Aerie.Tests.Targets.Plain;

public class PlainVariationTests
{
    public static TheoryData<string> Names(string family) => [.. PlainVariations.Of(family).Select((v, i) => $"{i}: {v.Text}")];

    [Theory, MemberData(nameof(Names), "llama")] public void Llama(string name) => Check("llama", name);
    [Theory, MemberData(nameof(Names), "qwen2")] public void Qwen2(string name) => Check("qwen2", name);
    [Theory, MemberData(nameof(Names), "qwen3")] public void Qwen3(string name) => Check("qwen3", name);
    [Theory, MemberData(nameof(Names), "mistral")] public void Mistral(string name) => Check("mistral", name);
    [Theory, MemberData(nameof(Names), "mixtral")] public void Mixtral(string name) => Check("mixtral", name);
    [Theory, MemberData(nameof(Names), "qwen3_moe")] public void Qwen3_moe(string name) => Check("qwen3_moe", name);
    [Theory, MemberData(nameof(Names), "phi3")] public void Phi3(string name) => Check("phi3", name);
    [Theory, MemberData(nameof(Names), "gemma2")] public void Gemma2(string name) => Check("gemma2", name);
    [Theory, MemberData(nameof(Names), "gemma3_text")] public void Gemma3(string name) => Check("gemma3_text", name);
    [Theory, MemberData(nameof(Names), "gpt_oss")] public void Gpt_oss(string name) => Check("gpt_oss", name);
    [Theory, MemberData(nameof(Names), "olmo2")] public void Olmo2(string name) => Check("olmo2", name);
    [Theory, MemberData(nameof(Names), "granite")] public void Granite(string name) => Check("granite", name);
    [Theory, MemberData(nameof(Names), "deepseek_v3")] public void Deepseek_v3(string name) => Check("deepseek_v3", name);
    [Theory, MemberData(nameof(Names), "nemotron_h")] public void Nemotron_h(string name) => Check("nemotron_h", name);

    static void Check(string family, string name)
    {
        var (number, text) = (int.Parse(name.AsSpan(0, name.IndexOf(':', StringComparison.Ordinal)), System.Globalization.CultureInfo.InvariantCulture), name);
        using var folder = new TemporaryFolder();
        PlainVariations.Of(family)[number].Case.Write(folder.Path);
        var report = ParityRun.Run(folder.Path);
        Assert.True(report.Outcome == ParityOutcome.Within, $"{text}\n{report.Message}\n{string.Join("\n", report.Results.Where(r => !r.Within))}");
    }
}
