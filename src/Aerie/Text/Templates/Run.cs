// One rendering of a template: variables, output, and the limits that keep a hostile template from taking time or memory without end.
using System.Text;

namespace Aerie.Text.Templates;

/// <summary>Variables of one block; outer ones are seen through.</summary>
sealed class Scope(Scope? outer)
{
    readonly Dictionary<string, object> values = [];

    internal object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.values.TryGetValue(name, out var value)) return value;
        }
        return null;
    }

    Scope? Outer { get; } = outer;

    internal void Set(string name, object value) => values[name] = value;
}

/// <summary>The arguments of a call.</summary>
sealed record Arguments(Run Run, List<object> Positional, List<(string Name, object Value)> Named)
{
    /// <summary>Values by the names in <paramref name="parameters"/> (apart by spaces); null where none is given.</summary>
    internal object?[] Bind(string function, string parameters)
    {
        var names = parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (Positional.Count > names.Length) throw new TemplateError($"{function}() takes at most {names.Length} arguments, {Positional.Count} are given");
        var values = new object?[names.Length];
        Positional.CopyTo(values!);
        foreach (var (name, value) in Named)
        {
            var index = Array.IndexOf(names, name);
            if (index < 0) throw new TemplateError($"{function}() has no argument '{name}'");
            if (values[index] is not null) throw new TemplateError($"{function}() got two values for '{name}'");
            values[index] = value;
        }
        return values;
    }
}

sealed class Run(DateTime now)
{
    const long MostSteps = 3_000_000, MostText = 1L << 30;
    internal const int LongestText = 1 << 24, LongestList = 1 << 20, LargestNumber = 1 << 17, DeepestCall = 400;

    long steps, text;
    int calls;

    internal DateTime Now { get; } = now;

    internal Scope Scope { get; set; } = new(null);

    /// <summary>Where output goes: the text, or what a macro or set block collects.</summary>
    internal StringBuilder Out { get; private set; } = new();

    /// <summary>The output of the top level.</summary>
    internal StringBuilder Top { get; private set; } = new();

    /// <summary>[start, end) of each executed generation block, in code points.</summary>
    internal List<(int Start, int End)> Spans { get; } = [];

    /// <summary>The node at work, for messages.</summary>
    internal int At { get; set; }

    internal void Begin() => Top = Out;

    internal void Step(int cost = 1)
    {
        steps += cost;
        if (steps > MostSteps) throw new TemplateError($"it takes more than {MostSteps} steps");
    }

    internal void Write(string value)
    {
        CheckLength((long)Out.Length + value.Length);
        Out.Append(value);
    }

    /// <summary>Counts the characters of a value that was made.</summary>
    internal string Made(string value)
    {
        text += value.Length;
        if (text > MostText) throw new TemplateError($"it makes more than {MostText} characters on its way");
        return value;
    }

    internal static void CheckLength(long length)
    {
        if (length > LongestText) throw new TemplateError($"it makes a text of more than {LongestText} characters");
    }

    internal static void CheckList(long length)
    {
        if (length > LongestList) throw new TemplateError($"it makes a list of more than {LongestList} items");
    }

    /// <summary>A list of what can be iterated; each item counts as a step.</summary>
    internal List<object> List(object value)
    {
        var list = new List<object>();
        foreach (var item in Of.Iterate(value))
        {
            Step();
            list.Add(item);
            CheckList(list.Count);
        }
        return list;
    }

    /// <summary>What <paramref name="body"/> writes.</summary>
    internal string Collect(Action body)
    {
        var outer = Out;
        Out = new StringBuilder();
        try
        {
            body();
            return Made(Out.ToString());
        }
        finally
        {
            Out = outer;
        }
    }

    /// <summary>Runs in a new scope inside <paramref name="outer"/>.</summary>
    internal T In<T>(Scope outer, Func<T> body)
    {
        var back = Scope;
        Scope = new Scope(outer);
        try
        {
            return body();
        }
        finally
        {
            Scope = back;
        }
    }

    internal object Call(object target, Arguments arguments)
    {
        Step(10);
        if (++calls > DeepestCall) throw new TemplateError($"more than {DeepestCall} calls in each other");
        Of.Deep();
        var result = target switch
        {
            Function function => function.Call(arguments),
            Thing { Call: { } call } => call(arguments),
            Undefined undefined => throw undefined.Error,
            _ => throw new TemplateError($"a {Of.Name(target)} cannot be called"),
        };
        calls--;
        return result;
    }
}
