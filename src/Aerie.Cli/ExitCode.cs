// What the shell that called us sees. Documented in README; scripts rely on it.
namespace Aerie.Cli;

static class ExitCode
{
    public const int Done = 0;

    /// <summary>The run itself failed: a tolerance exceeded, a loss that is not finite, answers that differ, a bug.</summary>
    public const int Failed = 1;

    /// <summary>Bad usage, recipe or input.</summary>
    public const int BadInput = 2;

    /// <summary>This machine or this version lacks something.</summary>
    public const int Lacking = 3;

    /// <summary>Ctrl-C: the step was finished and saved.</summary>
    public const int Cancelled = 130;
}
