// Time for a replay: waits are over at once and written down; timeouts strike when the server hangs on purpose. Nothing sleeps.
namespace Aerie.Parity.Replay;

/// <param name="immediate">Timers fire at once; else when <see cref="Strike"/> says so.</param>
sealed class HubClock(bool immediate) : TimeProvider
{
    readonly Lock gate = new();
    readonly List<Timer> waiting = [];
    readonly List<TimeSpan> waits = [];

    /// <summary>What would have been waited.</summary>
    public IReadOnlyList<TimeSpan> Waits
    {
        get { lock (gate) return [.. waits]; }
    }

    /// <summary>All timers fire.</summary>
    public void Strike()
    {
        Timer[] all;
        lock (gate) all = [.. waiting];
        foreach (var timer in all) timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        lock (gate) waiting.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    sealed class Timer(HubClock clock, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (!clock.Immediate || dueTime == global::System.Threading.Timeout.InfiniteTimeSpan) return true;
            lock (clock.gate) clock.waits.Add(dueTime);
            ThreadPool.QueueUserWorkItem(_ => Fire());
            return true;
        }

        public void Dispose()
        {
            lock (clock.gate) clock.waiting.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

    bool Immediate => immediate;
}
