namespace Aerie;

/// <summary>A mistake in what the user gave us (file, recipe, option): printed as two lines without a stack trace, exit code 2.</summary>
public class AerieException : Exception
{
    /// <param name="what">What is wrong, and where.</param>
    /// <param name="hint">What to do about it; null when the message says it.</param>
    public AerieException(string what, string? hint = null, Exception? inner = null) : base(what, inner) => Hint = hint;

    /// <summary>What the user can do.</summary>
    public string? Hint { get; }
}

/// <summary>This machine lacks something (a device, memory, a feature of this build): exit code 3.</summary>
public sealed class MachineException(string what, string? hint = null) : AerieException(what, hint);

/// <summary>The run itself failed (a loss that is not finite, answers that differ): exit code 1.</summary>
public sealed class RunFailedException(string what, string? hint = null) : AerieException(what, hint);
