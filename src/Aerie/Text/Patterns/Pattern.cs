// A backtracking matcher over code points with its own stack: no recursion over the text, and a limit on its steps, since
// patterns come from files. Alternatives are tried in order; the first that succeeds wins.
using System.Text;

namespace Aerie.Text.Patterns;

/// <summary>A compiled regular expression of a tokenizer. Safe for several threads.</summary>
sealed class Pattern
{
    const int LargestProgram = 20_000;

    enum Op { One, Loop, Split, SplitLater, Jump, At, Atomic, Look, Done }

    // Loop: Set, A = min, B = max (-1: none), Flag = possessive. Split: go on at A, else at B. Jump: A. At: A = Place.
    // Atomic and Look: the body is what follows up to Done, B = where to go on; Look: A = characters to go back, Flag = negative.
    readonly record struct Step(Op Op, RuneSet? Set = null, int A = 0, int B = 0, bool Flag = false);

    readonly string text;
    readonly Step[] program;

    internal Pattern(string pattern)
    {
        text = pattern;
        var root = PatternParser.Parse(pattern);
        CanBeEmpty = root.CanBeEmpty;
        var steps = new List<Step>();
        Compile(root, steps);
        steps.Add(new Step(Op.Done));
        program = [.. steps];
    }

    /// <summary>Can it match nothing?</summary>
    internal bool CanBeEmpty { get; }

    /// <summary>All matches from left to right, none empty, as (start, end).</summary>
    /// <exception cref="AerieException">The pattern takes too many steps on this text.</exception>
    internal List<(int Start, int End)> Matches(string input)
    {
        var found = new List<(int, int)>();
        var run = new Run(this, input);
        for (var start = 0; start < input.Length;)
        {
            var end = run.From(0, start);
            if (end > start) found.Add((start, end));
            start = end > start ? end : start + RuneLength(input, start);
        }
        return found;
    }

    static int RuneLength(string input, int at) => char.IsHighSurrogate(input[at]) && at + 1 < input.Length && char.IsLowSurrogate(input[at + 1]) ? 2 : 1;

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

    // One search through one text.
    sealed class Run(Pattern pattern, string input)
    {
        // Where to go on when the way taken fails. LowEnd >= 0: a greedy loop that may still give back characters down to there.
        (int Step, int At, int LowEnd)[] stack = new (int, int, int)[32];
        int top;
        long budget = 2_000_000 + 500L * input.Length;

        /// <summary>The end of the match that begins exactly here, or -1.</summary>
        internal int From(int step, int at)
        {
            var bottom = top;
            while (true)
            {
                if (--budget < 0) throw new AerieException($"regular expression {pattern.text}: it takes too many steps on a text of {input.Length} characters");
                ref readonly var now = ref pattern.program[step];
                bool goes;
                switch (now.Op)
                {
                    case Op.Done:
                        top = bottom;                          // what was still open is not tried any more
                        return at;
                    case Op.One:
                        goes = One(now.Set!, ref at);
                        step++;
                        break;
                    case Op.Loop:
                        goes = Loop(now, step + 1, ref at);
                        step++;
                        break;
                    case Op.Split:
                        Push(now.B, at, -1);
                        (step, goes) = (now.A, true);
                        break;
                    case Op.SplitLater:
                        Push(now.A, at, -1);
                        (step, goes) = (now.B, true);
                        break;
                    case Op.Jump:
                        (step, goes) = (now.A, true);
                        break;
                    case Op.At:
                        goes = Is((Place)now.A, at);
                        step++;
                        break;
                    case Op.Atomic:
                        var end = From(step + 1, at);
                        goes = end >= 0;
                        if (goes) (at, step) = (end, now.B);
                        break;
                    default:
                        var from = Back(at, now.A);
                        goes = (from >= 0 && From(step + 1, from) >= 0) != now.Flag;
                        step = now.B;
                        break;
                }
                if (goes) continue;
                if (top == bottom) return -1;
                ref var last = ref stack[--top];
                (step, at) = (last.Step, last.At);
                if (last.LowEnd >= 0 && at > last.LowEnd)
                {
                    at = last.At = Back(at, 1);
                    if (at > last.LowEnd) top++;               // there is more to give back
                }
            }
        }

        bool One(RuneSet set, ref int at)
        {
            if (at >= input.Length) return false;
            Rune.DecodeFromUtf16(input.AsSpan(at), out var rune, out var length);
            if (!set.Contains(rune.Value)) return false;
            at += length;
            return true;
        }

        bool Loop(in Step loop, int next, ref int at)
        {
            var count = 0;
            var low = at;
            for (; count != loop.B && One(loop.Set!, ref at); count++)
            {
                if (count < loop.A) low = at;
            }
            budget -= count;
            if (count < loop.A) return false;
            if (at > low && !loop.Flag) Push(next, at, low);
            return true;
        }

        void Push(int step, int at, int lowEnd)
        {
            if (top == stack.Length) Array.Resize(ref stack, 2 * top);
            stack[top++] = (step, at, lowEnd);
        }

        // Goes back by characters; -1 before the beginning.
        int Back(int at, int count)
        {
            for (; count > 0; count--)
            {
                if (at == 0) return -1;
                at -= at >= 2 && char.IsLowSurrogate(input[at - 1]) && char.IsHighSurrogate(input[at - 2]) ? 2 : 1;
            }
            return at;
        }

        bool Is(Place place, int at) => place switch
        {
            Place.TextStart => at == 0,
            Place.TextEnd => at == input.Length,
            Place.LineStart => at == 0 || input[at - 1] == '\n',
            _ => at == input.Length || input[at] == '\n',
        };
    }
}
