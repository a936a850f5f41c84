// Shape errors of callers: the message is built only when the check fails.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Aerie.Tensors;

static class Check
{
    public static int Dimension(int n) => n >= 0 ? n : throw new ArgumentOutOfRangeException(nameof(n), n, "a dimension cannot be negative");

    public static void That([DoesNotReturnIf(false)] bool holds,
        [InterpolatedStringHandlerArgument(nameof(holds))] ref Message message, [CallerMemberName] string op = "")
    {
        if (!holds) throw new ArgumentException($"{op}: {message.ToStringAndClear()}");
    }

    [InterpolatedStringHandler]
    public ref struct Message
    {
        DefaultInterpolatedStringHandler text;

        public Message(int literals, int holes, bool holds, out bool build)
        {
            build = !holds;
            text = build ? new(literals, holes) : default;
        }

        public void AppendLiteral(string s) => text.AppendLiteral(s);
        public void AppendFormatted<T>(T value) => text.AppendFormatted(value);
        public string ToStringAndClear() => text.ToStringAndClear();
    }
}
