// Timing of several candidates in one process, in turn, so that a noisy neighbour hits all of them; medians over rounds.
using System.Diagnostics;

namespace Aerie.Benchmarks;

static class Paired
{
    /// <summary>Median seconds per call of each action. Between candidates the machine is left alone for a moment: the yardsticks' threads go on spinning
    /// for some time after a call and would take the next candidate's cores.</summary>
    public static double[] Measure(int rounds, params Action?[] candidates) => Measure(rounds, 0.03, candidates);

    public static double[] Measure(int rounds, double pause, Action?[] candidates)
    {
        int[] repeats = new int[candidates.Length];
        for (int i = 0; i < candidates.Length; i++)
        {
            if (candidates[i] is not { } run)
                continue;
            Idle(pause);
            run();
            long start = Stopwatch.GetTimestamp();
            run();
            repeats[i] = (int)Math.Clamp(0.05 / Stopwatch.GetElapsedTime(start).TotalSeconds, 1, 10_000);
        }

        double[][] times = candidates.Select(_ => new double[rounds]).ToArray();
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < candidates.Length; i++)
            {
                if (candidates[i] is not { } run)
                    continue;
                Idle(pause);
                run(); // wakes the threads, fills the caches
                long start = Stopwatch.GetTimestamp();
                for (int n = 0; n < repeats[i]; n++)
                    run();
                times[i][round] = Stopwatch.GetElapsedTime(start).TotalSeconds / repeats[i];
            }
        }

        return times.Select((all, i) => candidates[i] == null ? double.NaN : Median(all)).ToArray();
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
