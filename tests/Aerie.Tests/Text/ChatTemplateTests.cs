// Chat templates against what transformers renders.
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
}
