// Timing of several candidates in one process, in turn, so that a noisy neighbour hits all of them. Times are medians over rounds, ratios are medians
// of the ratios within a round.
using System.Diagnostics;

namespace Aerie.Benchmarks;

static class Paired
{
    /// <summary>Seconds of the processor (all threads together) instead of the clock's: for one thread on a machine that others use too.</summary>
    public static bool ProcessorTime { get; set; }

    public static double Seconds() => ProcessorTime ? Environment.CpuUsage.TotalTime.TotalSeconds : (double)Stopwatch.GetTimestamp() / Stopwatch.Frequency;

    /// <summary>Median seconds per call of each candidate.</summary>
    public static double[] Measure(int rounds, params Action?[] candidates) => Measure(rounds, 0.03, candidates);

    public static double[] Measure(int rounds, double pause, Action?[] candidates)
    {
        Times times = Measure(rounds, pause, 0.05, candidates);
        return [.. candidates.Select((_, i) => times[i])];
    }

    /// <summary>Seconds per call of each candidate (null: absent, not a number) in each round. <paramref name="pause"/>: between candidates the machine is
    /// left alone for so many seconds; the yardsticks' threads go on spinning after a call and would take the next candidate's cores.
    /// <paramref name="least"/>: seconds that a candidate runs in a round.</summary>
    public static Times Measure(int rounds, double pause, double least, Action?[] candidates)
    {
        int[] repeats = new int[candidates.Length];
        for (int i = 0; i < candidates.Length; i++)
        {
            if (candidates[i] is not { } run)
                continue;
            Idle(pause);
            run();
            double start = Seconds();
            run();
            repeats[i] = (int)Math.Clamp(least / Math.Max(Seconds() - start, 1e-9), 1, 10_000);
        }

        double[][] times = candidates.Select(_ => new double[rounds]).ToArray();
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < candidates.Length; turn++)
            {
                int i = (turn + round) % candidates.Length;
                if (candidates[i] is not { } run)
                    continue;
                Idle(pause);
                run(); // wakes the threads, fills the caches
                double start = Seconds();
                for (int n = 0; n < repeats[i]; n++)
                    run();
                times[i][round] = Math.Max(Seconds() - start, 1e-9) / repeats[i];
            }
        }

        for (int i = 0; i < candidates.Length; i++)
        {
            if (candidates[i] == null)
                Array.Fill(times[i], double.NaN);
        }

        return new Times(times);
    }

    public static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    static void Idle(double seconds)
    {
        if (seconds > 0)
            Task.Delay(TimeSpan.FromSeconds(seconds)).Wait();
    }
}

/// <summary>Times by candidate and round.</summary>
sealed class Times(double[][] all)
{
    /// <summary>Median seconds of a candidate.</summary>
    public double this[int candidate] => Paired.Median(all[candidate]);

    /// <summary>How many times slower a candidate is than another, in the same round; the median.</summary>
    public double Ratio(int candidate, int other) => Paired.Median([.. all[candidate].Zip(all[other], (x, y) => x / y)]);
}
