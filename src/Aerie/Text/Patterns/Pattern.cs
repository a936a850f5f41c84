// A regular expression of a tokenizer as a program for PatternSearch.cs. What speed needs is found here once: which of the outermost
// alternatives can begin with a character, and which loops never have to give anything back.
namespace Aerie.Text.Patterns;

/// <summary>A compiled regular expression of a tokenizer. Safe for several threads.</summary>
sealed class Pattern
{
    const int LargestProgram = 20_000;

    internal enum Op { One, Loop, Split, SplitLater, Jump, At, Atomic, Look, Done }

    // Loop: Set, A = min, B = max (-1: none), Flag = possessive. Split: go on at A, else at B. Jump: A. At: A = Place.
    // Atomic and Look: the body is what follows up to Done, B = where to go on; Look: A = characters to go back, Flag = negative.
    internal readonly record struct Step(Op Op, RuneSet? Set = null, int A = 0, int B = 0, bool Flag = false);

    // A way to match: where its program begins, and what its first character is among (null: anything).
    internal readonly record struct Way(int Step, RuneSet? First);

    readonly string text;
    readonly Step[] program;
    readonly Way[] ways;
    // For each character of ASCII the ways that are open to it.
    readonly Way[][] asciiWays = new Way[128][];

    internal Pattern(string pattern)
    {
        text = pattern;
        var root = PatternParser.Parse(pattern);
        CanBeEmpty = root.CanBeEmpty;
        var (steps, starts) = (new List<Step>(), new List<Way>());
        foreach (var way in root is PatternNode.Either either ? either.Parts : [root])
        {
            starts.Add(new Way(steps.Count, CanBeEmpty ? null : way.First));
            Compile(way, steps);
            steps.Add(new Step(Op.Done));
        }
        program = [.. steps];
        KeepWhatIsTaken();
        ways = [.. starts];
        for (var c = 0; c < 128; c++) asciiWays[c] = [.. ways.Where(way => way.First?.Contains(c) ?? true)];
    }

    // A loop after which nothing is needed gives nothing back.
    void KeepWhatIsTaken()
    {
        var free = new bool[program.Length];
        for (var i = program.Length - 1; i >= 0; i--)
        {
            var step = program[i];
            if (step.Op == Op.Loop && free[i + 1]) program[i] = step with { Flag = true };
            free[i] = step.Op == Op.Done || (step.Op == Op.Jump && step.A > i && free[step.A]) || (step.Op == Op.Loop && step.A == 0 && free[i + 1]);
        }
    }

    /// <summary>Can it match nothing?</summary>
    internal bool CanBeEmpty { get; }

    /// <summary>All matches from left to right, none empty, as (start, end).</summary>
    /// <exception cref="AerieException">The pattern takes too many steps on this text.</exception>
    internal List<(int Start, int End)> Matches(string input)
    {
        var found = new List<(int, int)>();
        var search = new PatternSearch(this, input, stackalloc PatternSearch.Frame[8]);
        while (search.Next(out var start, out var end)) found.Add((start, end));
        return found;
    }

    internal ReadOnlySpan<Step> Program => program;

    /// <summary>The outermost alternatives that may match where <paramref name="first"/> comes next.</summary>
    internal Way[] Ways(int first) => first < 128 ? asciiWays[first] : ways;

    internal AerieException TooMany(int length) => new($"regular expression {text}: it takes too many steps on a text of {length} characters");

    void Compile(PatternNode node, List<Step> steps)
    {
        if (steps.Count > LargestProgram) throw new AerieException($"regular expression {text}: it is too large");
        switch (node)
        {
            case PatternNode.One one:
                steps.Add(new Step(Op.One, one.Set));
                break;
            case PatternNode.At at:
                steps.Add(new Step(Op.At, A: (int)at.Place));
                break;
            case PatternNode.Sequence sequence:
                foreach (var part in sequence.Parts) Compile(part, steps);
                break;
            case PatternNode.Either either:
                var exits = new List<int>();
                foreach (var part in either.Parts.SkipLast(1))
                {
                    var split = Hold(steps);
                    Compile(part, steps);
                    exits.Add(Hold(steps));
                    steps[split] = new Step(Op.Split, A: split + 1, B: steps.Count);
                }
                Compile(either.Parts[^1], steps);
                foreach (var exit in exits) steps[exit] = new Step(Op.Jump, A: steps.Count);
                break;
            case PatternNode.Loop { Body: PatternNode.One one, Kind: not LoopKind.Lazy } loop:
                steps.Add(new Step(Op.Loop, one.Set, loop.Min, loop.Max, loop.Kind == LoopKind.Possessive));
                break;
            case PatternNode.Loop { Kind: LoopKind.Possessive } loop:
                Compile(new PatternNode.Atomic(loop with { Kind = LoopKind.Greedy }), steps);
                break;
            case PatternNode.Loop loop:
                CompileLoop(loop, steps);
                break;
            case PatternNode.Atomic atomic:
                var start = Hold(steps);
                Compile(atomic.Body, steps);
                steps.Add(new Step(Op.Done));
                steps[start] = new Step(Op.Atomic, B: steps.Count);
                break;
            case PatternNode.Look look:
                var begin = Hold(steps);
                Compile(look.Body, steps);
                steps.Add(new Step(Op.Done));
                steps[begin] = new Step(Op.Look, A: look.Behind ? look.Body.FixedLength : 0, B: steps.Count, Flag: look.Negative);
                break;
        }
    }

    void CompileLoop(PatternNode.Loop loop, List<Step> steps)
    {
        var split = loop.Kind == LoopKind.Lazy ? Op.SplitLater : Op.Split;
        for (var i = 0; i < loop.Min; i++) Compile(loop.Body, steps);
        if (loop.Max < 0)
        {
            var head = Hold(steps);
            Compile(loop.Body, steps);
            steps.Add(new Step(Op.Jump, A: head));
            steps[head] = new Step(split, A: head + 1, B: steps.Count);
            return;
        }
        var heads = new List<int>();
        for (var i = loop.Min; i < loop.Max; i++)
        {
            heads.Add(Hold(steps));
            Compile(loop.Body, steps);
        }
        foreach (var head in heads) steps[head] = new Step(split, A: head + 1, B: steps.Count);
    }

    // A place for a step that is known later.
    static int Hold(List<Step> steps)
    {
        steps.Add(default);
        return steps.Count - 1;
    }
}
