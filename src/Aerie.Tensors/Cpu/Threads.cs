// The one pool of worker threads. A call opens a gate; whoever of the workers is awake joins, and the caller takes part itself, so a worker that
// comes late costs nothing. Each participant starts on its own share of the items (caches stay warm from call to call) and then helps the others.
// Workers spin for some tens of microseconds between calls and then sleep.
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Aerie.Tensors.Cpu;

/// <summary>A loop body that can run over any contiguous part of its items, on any thread.</summary>
public interface IParallelBody
{
    /// <summary>Does the items <paramref name="begin"/> (inclusive) to <paramref name="end"/> (exclusive).</summary>
    void Invoke(int begin, int end);
}

/// <summary>The engine's thread pool. Results of a loop must not depend on how it is split.</summary>
public static unsafe class Threads
{
    const int Closed = -1, ChunksEach = 8, MaxThreads = 256;
    static readonly long SpinTicks = Stopwatch.Frequency / 20_000; // 50 microseconds

    /// <summary>A counter alone on its pair of cache lines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    struct Line
    {
        [FieldOffset(0)] public int Value;
    }

    static readonly Lock Setup = new();
    static readonly object Bed = new();
    static readonly Line[] Next = new Line[MaxThreads];
    static Line s_generation, s_gate = new() { Value = Closed }, s_busy, s_sleepers;
    static int s_count, s_started;

    // The open job: valid while the gate is open.
    static int s_items, s_chunks, s_shares;
    static void* s_body;
    static delegate*<void*, int, int, void> s_run;
    static Exception? s_failure;

    [ThreadStatic] static bool t_inside;

    /// <summary>Threads that work on a loop, the caller included: <c>AERIE_THREADS</c>, or else the processors of the machine.</summary>
    /// <exception cref="InvalidOperationException"><c>AERIE_THREADS</c> is not a number from 1 to 256.</exception>
    public static int Count
    {
        get => s_count != 0 ? s_count : s_count = FromEnvironment();
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxThreads);
            s_count = value;
        }
    }

    /// <summary>Runs <paramref name="body"/> over [0, items) in contiguous ranges on all threads and returns when all is done.
    /// Nested calls, calls while another thread's loop runs, and loops of at most <paramref name="grain"/> items run on the caller alone.
    /// An exception of the body is rethrown here; other ranges may or may not have run.</summary>
    public static void For<TBody>(int items, ref TBody body, int grain = 1) where TBody : struct, IParallelBody
    {
        if (items <= 0)
            return;
        int threads = Count, chunks = Math.Min((items + Math.Max(grain, 1) - 1) / Math.Max(grain, 1), threads * ChunksEach);
        if (threads == 1 || chunks == 1 || t_inside || Interlocked.CompareExchange(ref s_busy.Value, 1, 0) != 0)
        {
            body.Invoke(0, items);
            return;
        }

        if (s_started < threads - 1)
            Start(threads - 1);
        TBody local = body; // on this stack, so its address holds while the collector moves things
        t_inside = true;
        try
        {
            Open(items, chunks, Math.Min(threads, chunks), Unsafe.AsPointer(ref local), &Call<TBody>);
            Work(0);
            Close();
        }
        finally
        {
            t_inside = false;
            s_body = null;
            Exception? failure = s_failure;
            s_failure = null;
            Volatile.Write(ref s_busy.Value, 0);
            body = local;
            if (failure != null)
                ExceptionDispatchInfo.Throw(failure);
        }
    }

    static void Call<TBody>(void* body, int begin, int end) where TBody : struct, IParallelBody =>
        Unsafe.AsRef<TBody>(body).Invoke(begin, end);

    static void Open(int items, int chunks, int shares, void* body, delegate*<void*, int, int, void> run)
    {
        s_items = items;
        s_chunks = chunks;
        s_shares = shares;
        s_body = body;
        s_run = run;
        for (int i = 0; i < shares; i++)
            Next[i].Value = First(i);
        Volatile.Write(ref s_gate.Value, 0);
        Interlocked.Increment(ref s_generation.Value);
        if (Volatile.Read(ref s_sleepers.Value) > 0)
        {
            lock (Bed)
                Monitor.PulseAll(Bed);
        }
    }

    /// <summary>Waits for the workers that joined; one that has not woken yet will find the gate closed.</summary>
    static void Close()
    {
        for (int spins = 0; Interlocked.CompareExchange(ref s_gate.Value, Closed, 0) != 0; spins++)
        {
            if (spins < 2000)
                Thread.SpinWait(4);
            else
                Thread.Yield();
        }
    }

    static int First(int share) => (int)((long)s_chunks * share / s_shares);

    /// <summary>Takes chunks: first those of the own share, then what is left of the others'.</summary>
    static void Work(int self)
    {
        try
        {
            for (int i = 0; i < s_shares; i++)
            {
                int share = (self + i) % s_shares, last = First(share + 1);
                for (int chunk; (chunk = Next[share].Value) < last && (chunk = Interlocked.Increment(ref Next[share].Value) - 1) < last;)
                    s_run(s_body, (int)((long)s_items * chunk / s_chunks), (int)((long)s_items * (chunk + 1) / s_chunks));
            }
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref s_failure, e, null);
        }
    }

    static void Start(int workers)
    {
        lock (Setup)
        {
            for (; s_started < workers; s_started++)
            {
                int self = s_started + 1;
                new Thread(() => Serve(self), 1 << 20) { IsBackground = true, Name = $"aerie-{self}" }.Start();
            }
        }
    }

    static void Serve(int self)
    {
        t_inside = true;
        int seen = 0;
        long idleSince = Stopwatch.GetTimestamp();
        for (; ; )
        {
            int now = Volatile.Read(ref s_generation.Value);
            if (now != seen)
            {
                seen = now;
                if (Join())
                {
                    seen = s_generation.Value;
                    if (self < s_shares)
                    {
                        Work(self);
                        idleSince = Stopwatch.GetTimestamp();
                    }

                    Interlocked.Decrement(ref s_gate.Value);
                }
            }
            else if (Stopwatch.GetTimestamp() - idleSince < SpinTicks)
            {
                Thread.SpinWait(4);
            }
            else
            {
                Sleep(seen);
                idleSince = Stopwatch.GetTimestamp();
            }
        }
    }

    static bool Join()
    {
        for (; ; )
        {
            int inside = Volatile.Read(ref s_gate.Value);
            if (inside == Closed)
                return false;
            if (Interlocked.CompareExchange(ref s_gate.Value, inside + 1, inside) == inside)
                return true;
        }
    }

    static void Sleep(int seen)
    {
        lock (Bed)
        {
            Interlocked.Increment(ref s_sleepers.Value);
            while (Volatile.Read(ref s_generation.Value) == seen)
                Monitor.Wait(Bed);
            Interlocked.Decrement(ref s_sleepers.Value);
        }
    }

    static int FromEnvironment()
    {
        string? text = Environment.GetEnvironmentVariable("AERIE_THREADS");
        if (string.IsNullOrEmpty(text))
            return Math.Min(Environment.ProcessorCount, MaxThreads);
        return int.TryParse(text, out int count) && count is >= 1 and <= MaxThreads
            ? count
            : throw new InvalidOperationException($"AERIE_THREADS is '{text}'; it must be a number from 1 to {MaxThreads}.");
    }
}
