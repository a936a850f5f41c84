// What reading a file costs: the processor time and the allocations of the thread that does it, not the clock's and the machine's, so that
// a busy machine changes nothing.
using System.Globalization;

namespace Aerie.Parity.Hostile;

/// <summary>Processor time and allocated bytes of one piece of work, and what it threw.</summary>
readonly record struct HostileCost(TimeSpan Processor, long Allocated, Exception? Problem)
{
    /// <summary>What a hostile file may cost, whatever a case allows.</summary>
    internal const double MostSeconds = 2;

    /// <inheritdoc cref="MostSeconds"/>
    internal const long MostBytes = 256L << 20;

    static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Does the work on a thread of its own; null if it does not come to an end.</summary>
    internal static HostileCost? Of(Action work)
    {
        HostileCost cost = default;
        var thread = new Thread(() =>
        {
            Exception? problem = null;
            var (time, bytes) = (ProcessorTime(), GC.GetAllocatedBytesForCurrentThread());
            try
            {
                work();
            }
            catch (Exception thrown)
            {
                problem = thrown;
            }
            cost = new(ProcessorTime() - time, GC.GetAllocatedBytesForCurrentThread() - bytes, problem);
        })
        { IsBackground = true };
        thread.Start();
        return thread.Join(Patience) ? cost : null;
    }

    /// <summary>Null if the cost is within the limits, else what is too much.</summary>
    internal string? TooMuch => Processor.TotalSeconds > MostSeconds ? string.Create(CultureInfo.InvariantCulture, $"{Processor.TotalSeconds:0.0} s of the processor") : Allocated > MostBytes ? $"{Allocated >> 20} MB" : null;

    // Linux knows a thread's time; elsewhere it is the process's.
    static TimeSpan ProcessorTime()
    {
        const string File = "/proc/thread-self/schedstat";
        if (!System.IO.File.Exists(File)) return Environment.CpuUsage.TotalTime;
        var nanoseconds = long.Parse(System.IO.File.ReadAllText(File).Split(' ')[0], CultureInfo.InvariantCulture);
        return TimeSpan.FromTicks(nanoseconds / 100);
    }
}
