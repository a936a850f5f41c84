// What a hostile file may cost: 2 s of the processor and 256 MB. The thread's own time and allocations are counted, not the clock's
// and the machine's, so that a busy machine changes nothing.
using System.Globalization;

namespace Aerie.Tests;

/// <summary>Processor time and allocated bytes of one piece of work.</summary>
readonly record struct HostileCost(TimeSpan Processor, long Allocated)
{
    const double MostSeconds = 2;
    const long MostBytes = 256L << 20;

    /// <summary>Does the work on a thread of its own; what it throws comes out again.</summary>
    internal static HostileCost Of(Action work)
    {
        Exception? problem = null;
        HostileCost cost = default;
        var thread = new Thread(() =>
        {
            var (time, bytes) = (ProcessorTime(), GC.GetAllocatedBytesForCurrentThread());
            try
            {
                work();
            }
            catch (Exception thrown)
            {
                problem = thrown;
            }
            cost = new HostileCost(ProcessorTime() - time, GC.GetAllocatedBytesForCurrentThread() - bytes);
        });
        thread.Start();
        thread.Join();
        if (problem is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem);
        return cost;
    }

    /// <summary>Null if the cost is within the limits, else what is too much.</summary>
    internal string? TooMuch =>
        Processor.TotalSeconds > MostSeconds ? string.Create(CultureInfo.InvariantCulture, $"{Processor.TotalSeconds:0.0} s of the processor")
        : Allocated > MostBytes ? $"{Allocated >> 20} MB"
        : null;

    /// <summary>Judges a file: the verdict is "accept", "reject" (an <see cref="AerieException"/>), or what else came out or was too much.</summary>
    internal static string Verdict(Action work)
    {
        var verdict = "accept";
        var cost = Of(() =>
        {
            try
            {
                work();
            }
            catch (AerieException)
            {
                verdict = "reject";
            }
            catch (Exception problem)
            {
                verdict = problem.ToString();
            }
        });
        return cost.TooMuch is { } much ? $"{verdict}, but {much}" : verdict;
    }

    // Linux knows a thread's time; elsewhere it is the process's.
    static TimeSpan ProcessorTime()
    {
        const string File = "/proc/thread-self/schedstat";
        if (!System.IO.File.Exists(File)) return Environment.CpuUsage.TotalTime;
        var nanoseconds = long.Parse(System.IO.File.ReadAllText(File).Split(' ')[0], CultureInfo.InvariantCulture);
        return TimeSpan.FromTicks(nanoseconds / 100);
    }
}
