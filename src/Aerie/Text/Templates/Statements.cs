// The statements of a template, each with what it does.
using System.Numerics;

namespace Aerie.Text.Templates;

enum Flow { Next, Break, Continue }

/// <param name="At">Place in the source, for messages.</param>
abstract record Statement(int At)
{
    internal abstract Flow Do(Run run);
}

sealed record Block(int At, IReadOnlyList<Statement> Parts) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        Of.Deep();
        foreach (var part in Parts)
        {
            run.Step();
            run.At = part.At;
            if (part.Do(run) is var flow and not Flow.Next) return flow;
        }
        return Flow.Next;
    }
}

sealed record Literal(int At, string Text) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        run.Write(Text);
        return Flow.Next;
    }
}

sealed record Output(int At, Expression Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        run.Write(Printing.Str(Body.Value(run)));
        return Flow.Next;
    }
}

sealed record If(int At, IReadOnlyList<(Expression Test, Block Body)> Branches, Block? Else) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        foreach (var (test, body) in Branches)
        {
            if (Of.Truth(test.Value(run))) return body.Do(run);
        }
        return Else?.Do(run) ?? Flow.Next;
    }
}

/// <summary>What is assigned to: a name, an attribute of a namespace, or several of them.</summary>
abstract record Target
{
    internal abstract void Set(Run run, object value);

    internal sealed record OfName(string Name) : Target
    {
        internal override void Set(Run run, object value) => run.Scope.Set(Name, value);
    }

    internal sealed record OfAttribute(string Name, string Attribute) : Target
    {
        internal override void Set(Run run, object value)
        {
            if (run.Scope.Find(Name) is not Namespace space) throw new TemplateError($"'{Name}' is not a namespace: its attributes cannot be set");
            if (Attribute.StartsWith('_')) throw new TemplateError($"the attribute '{Attribute}' cannot be set");
            space.Values[Attribute] = value;
        }
    }

    internal sealed record OfSeveral(IReadOnlyList<Target> Parts) : Target
    {
        internal override void Set(Run run, object value)
        {
            var values = run.List(value);
            if (values.Count != Parts.Count) throw new TemplateError($"{values.Count} values for {Parts.Count} names");
            for (var i = 0; i < Parts.Count; i++) Parts[i].Set(run, values[i]);
        }
    }
}

sealed record Set(int At, Target Target, Expression Value) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        Target.Set(run, Value.Value(run));
        return Flow.Next;
    }
}

sealed record SetBlock(int At, Target Target, IReadOnlyList<Filter> Filters, Block Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        object value = run.In(run.Scope, () => run.Collect(() => Body.Do(run)));
        foreach (var filter in Filters) value = filter.On(run, value);
        Target.Set(run, value);
        return Flow.Next;
    }
}

sealed record FilterBlock(int At, IReadOnlyList<Filter> Filters, Block Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        object value = run.In(run.Scope, () => run.Collect(() => Body.Do(run)));
        foreach (var filter in Filters) value = filter.On(run, value);
        run.Write(Printing.Str(value));
        return Flow.Next;
    }
}

sealed record With(int At, IReadOnlyList<(Target Target, Expression Value)> Names, Block Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        object[] values = [.. Names.Select(n => n.Value.Value(run))];
        return run.In(run.Scope, () =>
        {
            for (var i = 0; i < values.Length; i++) Names[i].Target.Set(run, values[i]);
            return Body.Do(run);
        });
    }
}

sealed record Leave(int At, Flow Flow) : Statement(At)
{
    internal override Flow Do(Run run) => Flow;
}

/// <summary>{% generation %}: the text of the assistant; where it lies is remembered.</summary>
sealed record Generation(int At, Block Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        var text = run.In(run.Scope, () => run.Collect(() => Body.Do(run)));
        var start = run.Points();
        run.Spans.Add((start, start + Of.Length(text.AsSpan())));
        run.Write(text);
        return Flow.Next;
    }
}

/// <summary>The parameters of a macro or of a call block.</summary>
sealed record Signature(IReadOnlyList<string> Names, IReadOnlyList<Expression?> Defaults);

sealed record MacroBody(string Name, Signature Signature, Block Body, bool UsesCaller, bool UsesVarargs, bool UsesKwargs)
{
    internal Thing Bind(Scope surroundings) => new(Name, Attribute, arguments => Call(surroundings, arguments));

    object? Attribute(string attribute) => attribute switch
    {
        "name" => Name,
        "arguments" => new Items([.. Signature.Names], isTuple: true),
        "caller" => UsesCaller,
        "catch_varargs" => UsesVarargs,
        "catch_kwargs" => UsesKwargs,
        _ => null,
    };

    string Call(Scope surroundings, Arguments arguments) => arguments.Run.In(surroundings, () =>
    {
        var (run, names, scope) = (arguments.Run, Signature.Names, arguments.Run.Scope);
        var (positional, given) = (arguments.Positional, new bool[names.Count]);
        if (positional.Count > names.Count && !UsesVarargs) throw new TemplateError($"macro '{Name}' takes {names.Count} arguments, {positional.Count} are given");
        for (var i = 0; i < Math.Min(names.Count, positional.Count); i++) Give(i, positional[i]);
        if (UsesVarargs) scope.Set("varargs", new Items([.. positional.Skip(names.Count)], isTuple: true));
        var others = UsesKwargs ? new Dict() : null;
        object? caller = null;
        foreach (var (name, value) in arguments.Named)
        {
            var index = Index(name);
            if (index < 0 && name == "caller" && UsesCaller) caller = value;
            else if (index >= 0 && !given[index]) Give(index, value);
            else if (index < 0 && others is not null) others.Put(name, value);
            else throw new TemplateError($"macro '{Name}' takes no argument '{name}', or not twice");
        }
        if (others is not null) scope.Set("kwargs", others);
        if (UsesCaller && Index("caller") < 0) scope.Set("caller", caller ?? new Undefined("no caller is defined"));
        for (var i = 0; i < names.Count; i++)
        {
            if (!given[i]) scope.Set(names[i], Signature.Defaults[i]?.Value(run) ?? new Undefined($"parameter '{names[i]}' was not provided"));
        }
        return run.Collect(() => Body.Do(run));

        void Give(int index, object value)
        {
            scope.Set(names[index], value);
            given[index] = true;
        }

        int Index(string name)
        {
            for (var i = 0; i < names.Count; i++)
            {
                if (names[i] == name) return i;
            }
            return -1;
        }
    });
}

sealed record Macro(int At, MacroBody Body) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        run.Scope.Set(Body.Name, Body.Bind(run.Scope));
        return Flow.Next;
    }
}

sealed record CallBlock(int At, Call Call, MacroBody Caller) : Statement(At)
{
    internal override Flow Do(Run run)
    {
        run.Write(Printing.Str(Call.With(run, Caller.Bind(run.Scope))));
        return Flow.Next;
    }
}

sealed record For(int At, Target Target, Expression List, Expression? Filter, bool Recursive, Block Body, Block? Else) : Statement(At)
{
    internal override Flow Do(Run run) => Loop(run, run.Scope, List.Value(run), 1);

    Flow Loop(Run run, Scope outer, object list, int depth)
    {
        var items = run.List(list);
        if (Filter is not null)
        {
            items = items.FindAll(item => run.In(outer, () =>
            {
                Target.Set(run, item);
                return Of.Truth(Filter.Value(run));
            }));
        }
        // What `loop` is: the same object in every round.
        var index = 0;
        var whole = false;
        object? last = null;
        var loop = new Thing("loop", Attribute, Recursive ? arguments => run.Collect(() => Loop(run, outer, arguments.Bind("loop", "iterable")[0] ?? throw new TemplateError("loop() without a list"), depth + 1)) : null);
        Func<Flow> round = () =>
        {
            Target.Set(run, items[index]);
            run.Scope.Set("loop", loop);
            return Body.Do(run);
        };
        for (; index < items.Count; index++)
        {
            run.Step();
            var flow = run.In(outer, round);
            if (flow == Flow.Next) whole = true;
            if (flow == Flow.Break) break;
        }
        // As Jinja has it: also when no round came to its end.
        return !whole && Else is not null ? run.In(outer, () => Else.Do(run)) : Flow.Next;

        object? Attribute(string name) => name switch
        {
            "index" => Of.Number(index + 1),
            "index0" => Of.Number(index),
            "revindex" => Of.Number(items.Count - index),
            "revindex0" => Of.Number(items.Count - index - 1),
            "first" => index == 0,
            "last" => index == items.Count - 1,
            "length" => Of.Number(items.Count),
            "previtem" => index > 0 ? items[index - 1] : new Undefined("there is no previous item"),
            "nextitem" => index + 1 < items.Count ? items[index + 1] : new Undefined("there is no next item"),
            "depth" => Of.Number(depth),
            "depth0" => Of.Number(depth - 1),
            "cycle" => new Function("cycle", a => a.Positional.Count > 0 ? a.Positional[index % a.Positional.Count] : throw new TemplateError("nothing to cycle through")),
            "changed" => new Function("changed", a =>
            {
                object now = new Items(a.Positional, isTuple: true);
                var changed = last is null || !Of.Equal(last, now);
                last = now;
                return changed;
            }),
            _ => null,
        };
    }
}
