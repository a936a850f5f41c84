// A backtracking matcher over code points with its own stack: no recursion over the text, and a limit on its steps, since
// patterns come from files. Alternatives are tried in order; the first that succeeds wins.
using System.Text;

namespace Aerie.Text.Patterns;

/// <summary>One search of a pattern through one text, from left to right.</summary>
ref struct PatternSearch
{
    /// <summary>Where to go on when the way taken fails. LowEnd >= 0: a greedy loop that may still give back characters down to there.</summary>
    internal readonly record struct Frame(int Step, int At, int LowEnd);

    readonly Pattern pattern;
    readonly ReadOnlySpan<Pattern.Step> program;
    readonly ReadOnlySpan<char> input;
    Span<Frame> stack;
    int top, at;
    long budget;

    /// <param name="pattern">What is looked for.</param>
    /// <param name="input">Where.</param>
    /// <param name="stack">Room for the first ways back; more is taken when it is needed.</param>
    internal PatternSearch(Pattern pattern, ReadOnlySpan<char> input, Span<Frame> stack)
    {
        this.pattern = pattern;
        program = pattern.Program;
        this.input = input;
        this.stack = stack;
        budget = 2_000_000 + 500L * input.Length;
    }

    /// <summary>The next match that is not empty.</summary>
    /// <exception cref="AerieException">The pattern takes too many steps on this text.</exception>
    internal bool Next(out int start, out int end)
    {
        while (at < input.Length)
        {
            start = at;
            var (rune, length) = At(at);
            foreach (var way in pattern.Ways(rune))
            {
                if (rune >= 128 && way.First?.Contains(rune) == false) continue;
                end = From(way.Step, start);
                if (end < 0) continue;
                if (end == start) break;
                at = end;
                return true;
            }
            at += length;
        }
        start = end = at;
        return false;
    }

    /// <summary>The end of the match that begins exactly here, or -1.</summary>
    int From(int step, int at)
    {
        var bottom = top;
        while (true)
        {
            if (--budget < 0) throw pattern.TooMany(input.Length);
            ref readonly var now = ref program[step];
            bool goes;
            switch (now.Op)
            {
                case Pattern.Op.Done:
                    top = bottom;                          // what was still open is not tried any more
                    return at;
                case Pattern.Op.One:
                    goes = One(now.Set!, ref at);
                    step++;
                    break;
                case Pattern.Op.Loop:
                    goes = Loop(now, step + 1, ref at);
                    step++;
                    break;
                case Pattern.Op.Split:
                    Push(now.B, at, -1);
                    (step, goes) = (now.A, true);
                    break;
                case Pattern.Op.SplitLater:
                    Push(now.A, at, -1);
                    (step, goes) = (now.B, true);
                    break;
                case Pattern.Op.Jump:
                    (step, goes) = (now.A, true);
                    break;
                case Pattern.Op.At:
                    goes = Is((Place)now.A, at);
                    step++;
                    break;
                case Pattern.Op.Atomic:
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
                at = Back(at, 1);
                last = last with { At = at };
                if (at > last.LowEnd) top++;               // there is more to give back
            }
        }
    }

    readonly bool One(RuneSet set, ref int at)
    {
        if (at >= input.Length) return false;
        var (rune, length) = At(at);
        if (!set.Contains(rune)) return false;
        at += length;
        return true;
    }

    // The character that begins here, and its length.
    readonly (int Rune, int Length) At(int at)
    {
        if (!char.IsSurrogate(input[at])) return (input[at], 1);
        Rune.DecodeFromUtf16(input[at..], out var rune, out var length);
        return (rune.Value, length);
    }

    bool Loop(in Pattern.Step loop, int next, ref int at)
    {
        var count = 0;
        var low = at;
        for (; count != loop.B && One(loop.Set!, ref at); count++)
        {
            if (count < loop.A) low = at;
            // Beyond the least and without a most, what is left is a run.
            else if (loop.B < 0)
            {
                var end = loop.Set!.End(input, at);
                budget -= end - at;
                at = end;
                count++;
                break;
            }
        }
        budget -= count;
        if (count < loop.A) return false;
        if (at > low && !loop.Flag) Push(next, at, low);
        return true;
    }

    void Push(int step, int at, int lowEnd)
    {
        if (top == stack.Length)
        {
            var larger = new Frame[Math.Max(32, 2 * top)];
            stack.CopyTo(larger);
            stack = larger;
        }
        stack[top++] = new Frame(step, at, lowEnd);
    }

    // Goes back by characters; -1 before the beginning.
    readonly int Back(int at, int count)
    {
        for (; count > 0; count--)
        {
            if (at == 0) return -1;
            at -= at >= 2 && char.IsLowSurrogate(input[at - 1]) && char.IsHighSurrogate(input[at - 2]) ? 2 : 1;
        }
        return at;
    }

    readonly bool Is(Place place, int at) => place switch
    {
        Place.TextStart => at == 0,
        Place.TextEnd => at == input.Length,
        Place.LineStart => at == 0 || input[at - 1] == '\n',
        _ => at == input.Length || input[at] == '\n',
    };
}
