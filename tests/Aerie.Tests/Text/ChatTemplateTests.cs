// Chat templates against what transformers renders.
using System.Text.Json;
using Aerie.Parity.Hostile;
using Aerie.Text;

namespace Aerie.Tests.Text;

public class ChatTemplateTests
{
    public static TheoryData<string> Cases => Golden.Cases("chat_templates");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Text_and_spans_are_those_of_transformers(string name) => Golden.Check("chat_templates", name);

    [Theory]
    [InlineData("a\n  {% frobnicate %}", "line 2, column 6")]
    [InlineData("{{ x | frobnicate }}", "line 1, column 8")]
    [InlineData("\n\n{{ x.y.z }}", "line 3")]
    public void Errors_name_their_place(string template, string place)
    {
        var problem = Assert.Throws<AerieException>(() => new ChatTemplate(template).Render([]));
        Assert.Contains(place, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for i in range(100000) %}{% generation %}é🦅{% endgeneration %}{% endfor %}")]
    [InlineData("{% set ns = namespace() %}{% for i in range(1000) %}{% set a = 1 %}{% set b = 2 %}{% set c = 3 %}{% set d = 4 %}{% set e = 5 %}{% set f = 6 %}{% set g = 7 %}{% set h = 8 %}{% set i = 9 %}{% set ns.s = a ~ h ~ i %}{% endfor %}{{ ns.s }}")]
    public void Work_grows_with_the_output_only(string template)
    {
        var cost = HostileCost.Of(() =>
        {
            var rendered = new ChatTemplate(template).Render([]);
            for (var i = 0; i < rendered.GenerationSpans.Count; i++) Assert.Equal((2 * i, 2 * i + 2), rendered.GenerationSpans[i]);
            if (rendered.GenerationSpans.Count == 0) Assert.Equal("189", rendered.Text);
        });
        Assert.True(cost is { Problem: null, TooMuch: null }, $"{cost}");
    }

    static readonly JsonElement SomeTools = JsonDocument.Parse("[]").RootElement;

    static string Render(ChatTemplate template, JsonElement? tools = null) => template.Render([], new ChatTemplateOptions { Tools = tools }).Text;

    [Fact]
    public void Templates_are_found_where_models_keep_them()
    {
        using var folder = Golden.Temporary();
        Assert.Null(ChatTemplate.Find(folder.Path));
        Write("tokenizer_config.json", """{"chat_template":"config"}""");
        Assert.Equal("config", Render(ChatTemplate.Find(folder.Path)!));
        Write("tokenizer_config.json", """{"chat_template":[{"name":"default","template":"plain"},{"name":"tool_use","template":"tools"},{"name":"rag","template":"rag"}]}""");
        Assert.Equal("plain", Render(ChatTemplate.Find(folder.Path)!));
        Assert.Equal("tools", Render(ChatTemplate.Find(folder.Path)!, SomeTools));
        Assert.Equal("plain", Render(ChatTemplate.Find(folder.Path, name: "default")!, SomeTools));
        Assert.Equal("rag", Render(ChatTemplate.Find(folder.Path, name: "rag")!, SomeTools));
        Assert.Contains("rag, tool_use", Assert.Throws<AerieException>(() => ChatTemplate.Find(folder.Path, name: "none")).Hint, StringComparison.Ordinal);
        Write("chat_template.json", """{"chat_template":"processor"}""");
        Assert.Equal("processor", Render(ChatTemplate.Find(folder.Path)!));
        Write("chat_template.jinja", "file");
        Assert.Equal("file", Render(ChatTemplate.Find(folder.Path)!));
        Directory.CreateDirectory(folder.File("additional_chat_templates"));
        Write("additional_chat_templates/tool_use.jinja", "file for tools");
        Assert.Equal("file for tools", Render(ChatTemplate.Find(folder.Path)!, SomeTools));
        Write("additional_chat_templates/tool_use.jinja", "{% frobnicate %}");
        Assert.Contains("tool_use.jinja: ", Assert.Throws<AerieException>(() => ChatTemplate.Find(folder.Path)).Message, StringComparison.Ordinal);
        Write("chat_template.json", "{}{");
        Assert.Contains("chat_template.json: not JSON", Assert.Throws<AerieException>(() => ChatTemplate.Find(folder.Path)).Message, StringComparison.Ordinal);

        void Write(string name, string text) => File.WriteAllText(folder.File(name), text);
    }

    [Fact]
    public void Variables_reach_the_template()
    {
        var template = new ChatTemplate("{{ enable_thinking }} {{ bos_token }} {{ documents[0].title }} {{ tools|length }} {{ custom.a[1] }}", new Dictionary<string, string> { ["bos_token"] = "<s>" });
        var given = JsonDocument.Parse("""{"enable_thinking":false,"custom":{"a":[1,2.0]},"documents":[{"title":"T"}],"tools":[1,2]}""").RootElement;
        var variables = new Dictionary<string, JsonElement> { ["enable_thinking"] = given.GetProperty("enable_thinking"), ["custom"] = given.GetProperty("custom") };
        var options = new ChatTemplateOptions { Documents = given.GetProperty("documents"), Tools = given.GetProperty("tools") };
        Assert.Equal("False <s> T 2 2.0", template.Render([], options with { Variables = variables }).Text);
        Assert.Equal("False <s> T 2 2.0", template.With(variables).Render([], options).Text);
        Assert.Equal("2 <s> T 2 2.0", template.With(variables).Render([], options with { Variables = new Dictionary<string, JsonElement> { ["enable_thinking"] = given.GetProperty("tools")[1] } }).Text);
    }
}
