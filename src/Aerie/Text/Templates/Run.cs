// One rendering of a template: variables, output, and the limits that keep a hostile template from taking time or memory without end.
using System.Text;

namespace Aerie.Text.Templates;

/// <summary>Variables of one block; outer ones are seen through.</summary>
sealed class Scope(Scope? outer)
{
    const int FewNames = 8;

    // Every round of a loop has a scope: a few names are a list, more are a dictionary.
    (string Name, object Value)[] few = [];
    int count;
    Dictionary<string, object>? many;

    internal object? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.many is not null)
            {
                if (scope.many.TryGetValue(name, out var value)) return value;
            }
            else if (scope.Index(name) is >= 0 and var index) return scope.few[index].Value;
        }
        return null;
    }

    Scope? Outer { get; } = outer;

    internal void Set(string name, object value)
    {
        if (many is null && Index(name) is >= 0 and var index) few[index].Value = value;
        else if (many is null && count < FewNames)
        {
            if (count == few.Length) Array.Resize(ref few, count == 0 ? 2 : FewNames);
            few[count++] = (name, value);
        }
        else
        {
            many ??= few.ToDictionary(item => item.Name, item => item.Value);
            many[name] = value;
        }
    }

    int Index(string name)
    {
        for (var i = 0; i < count; i++)
        {
            if (few[i].Name == name) return i;
        }
        return -1;
    }
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

/// <param name="now">The clock of the rendering.</param>
/// <param name="messages">Length of the conversation: a long one may take more steps.</param>
sealed class Run(DateTime now, int messages)
{
    const long MostText = 1L << 30;
    internal const int LongestText = 1 << 24, LongestList = 1 << 20, LargestNumber = 1 << 17, DeepestCall = 400;

    readonly long mostSteps = 2_500_000 + 2_000L * messages;
    long steps, text;
    int calls, counted, points;

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

    /// <summary>Code points that the top level has written so far; what was counted once is not counted again.</summary>
    internal int Points()
    {
        points += Of.Length(Top.ToString(counted, Top.Length - counted).AsSpan());
        counted = Top.Length;
        return points;
    }

    internal void Step(int cost = 1)
    {
        steps += cost;
        if (steps > mostSteps) throw new TemplateError($"it takes more than {mostSteps} steps");
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
