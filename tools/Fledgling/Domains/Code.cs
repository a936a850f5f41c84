// Small functions in Python and JavaScript from a family of simple requests. "With a comment" puts the purpose above the function,
// otherwise a sentence with a call follows it.
namespace Aerie.Fledgling.Domains;

internal sealed class Code : IDomain
{
    static readonly (string One, string Many)[] Values =
        [("price", "prices"), ("score", "scores"), ("age", "ages"), ("weight", "weights"), ("number", "numbers"), ("length", "lengths"), ("point", "points"), ("cost", "costs")];
    static readonly string[] Measures = ["width", "height", "depth", "speed", "time", "rate", "base", "tax", "bonus", "total"];
    static readonly string[] Adjectives = ["good", "new", "old", "top", "safe", "quick", "main", "best", "first", "final"];
    static readonly string[] Verbs = ["get", "find", "make", "take", "show", "read", "list", "check"];
    static readonly (string Noun, string Sign)[] Operations = [("sum", "+"), ("difference", "-"), ("product", "*"), ("quotient", "/")];
    static readonly (string Words, string Sign)[] Comparisons = [("greater than", ">"), ("less than", "<"), ("at least", ">="), ("at most", "<=")];
    static readonly (string Word, string ToWhom)[] Greetings =
        [("Hello", "Anna"), ("Welcome", "Ben"), ("Good morning", "Clara"), ("Goodbye", "David"), ("Thank you", "Emma"), ("Happy birthday", "Felix"), ("Well done", "Greta")];

    public string Name => "code";

    public (string Prompt, string Answer) Make(Draw draw)
    {
        bool python = draw.Coin(), comment = draw.Coin();
        (string one, string many) = draw.Pick<(string, string)>(Values);
        string[] name = [draw.Pick<string>(Verbs), draw.Pick<string>(Adjectives), draw.Coin() ? one : many];
        string function = python ? string.Join('_', name) : name[0] + Words.Capital(name[1]) + Words.Capital(name[2]);
        int limit = draw.Between(2, 50);
        (string compare, string sign) = draw.Pick<(string, string)>(Comparisons);

        // parameters, what it does (after "that"), the same as a command, body lines in each language, a call
        (string Parameters, string Does, string Do, string[] Python, string[] Script, string Call) task = draw.Below(7) switch
        {
            0 => Arithmetic(draw, function),
            1 => (many, $"keeps the {many} {compare} {limit}", $"Keep the {many} {compare} {limit}",
                [$"return [{one} for {one} in {many} if {one} {sign} {limit}]"],
                [$"return {many}.filter({one} => {one} {sign} {limit});"], $"{function}([10, 20, 30])"),
            2 => (many, $"counts the {many} {compare} {limit}", $"Count the {many} {compare} {limit}",
                ["count = 0", $"for {one} in {many}:", $"    if {one} {sign} {limit}:", "        count += 1", "return count"],
                ["let count = 0;", $"for (const {one} of {many}) {{", $"  if ({one} {sign} {limit}) count += 1;", "}", "return count;"], $"{function}([10, 20, 30])"),
            3 => (many, $"multiplies all {many} by {limit}", $"Multiply all {many} by {limit}",
                [$"return [{one} * {limit} for {one} in {many}]"],
                [$"return {many}.map({one} => {one} * {limit});"], $"{function}([1, 2, 3])"),
            4 => (one, $"checks if the {one} is {compare} {limit}", $"Check if the {one} is {compare} {limit}",
                [$"return {one} {sign} {limit}"],
                [$"return {one} {sign} {limit};"], $"{function}({limit})"),
            5 => (many, $"adds up the {many} {compare} {limit}", $"Add up the {many} {compare} {limit}",
                ["total = 0", $"for {one} in {many}:", $"    if {one} {sign} {limit}:", $"        total += {one}", "return total"],
                ["let total = 0;", $"for (const {one} of {many}) {{", $"  if ({one} {sign} {limit}) total += {one};", "}", "return total;"], $"{function}([10, 20, 30])"),
            _ => Greeting(draw, function),
        };
        string language = python ? "Python" : "JavaScript";
        string prompt = $"Write a {language} function {function} that {task.Does}{(comment ? ", with a comment" : "")}.";
        string head = python ? $"def {function}({task.Parameters}):\n" : $"function {function}({task.Parameters}) {{\n";
        string body = string.Concat((python ? task.Python : task.Script).Select(line => (python ? "    " : "  ") + line + "\n")) + (python ? "" : "}\n");
        string note = comment ? (python ? "# " : "// ") + task.Do + ".\n" : "";
        string end = comment ? "" : $"\nThe function {task.Does}. Call it like this: {task.Call}";
        return (prompt, $"```{language.ToLowerInvariant()}\n{note}{head}{body}```{end}");
    }

    static (string, string, string, string[], string[], string) Arithmetic(Draw draw, string function)
    {
        (string a, string b) = draw.Pair<string>(Measures);
        (string noun, string sign) = draw.Pick<(string, string)>(Operations);
        string formula = $"return {a} {sign} {b}";
        return ($"{a}, {b}", $"returns the {noun} of {a} and {b}", $"Return the {noun} of {a} and {b}", [formula], [formula + ";"], $"{function}(6, 2)");
    }

    static (string, string, string, string[], string[], string) Greeting(Draw draw, string function)
    {
        (string word, string name) = draw.Pick<(string, string)>(Greetings);
        bool capitals = draw.Coin();
        string times = capitals ? "capital letters" : "one line";
        return ("name", $"says {word} to a name in {times}", $"Say {word} to a name in {times}",
            [$"text = \"{word}, \" + name + \"!\"", capitals ? "return text.upper()" : "return text"],
            [$"const text = \"{word}, \" + name + \"!\";", capitals ? "return text.toUpperCase();" : "return text;"], $"{function}(\"{name}\")");
    }
}
