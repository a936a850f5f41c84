// How often a hub is asked again, and how long we wait before.
using Polly;
using Polly.Retry;

namespace Aerie.Hub;

/// <summary>Tries again what failed in a way that may pass: five times in a row, after 1, 2, 4, 8, 8 seconds or what the hub asks for (five minutes at most).</summary>
sealed class Patience
{
    const int Tries = 5;
    static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    readonly ResiliencePipeline pipeline;
    int failures;

    /// <param name="waits">The clock of the waits.</param>
    /// <param name="again">Is this failure worth another try? Null: always.</param>
    public Patience(TimeProvider waits, Func<TransientException, bool>? again = null) =>
        pipeline = new ResiliencePipelineBuilder { TimeProvider = waits }.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = args => ValueTask.FromResult(args.Outcome.Exception is TransientException e && !(e.Wait > LongestWait) && again?.Invoke(e) != false && failures++ < Tries),
            DelayGenerator = args => ValueTask.FromResult<TimeSpan?>((args.Outcome.Exception as TransientException)?.Wait ?? TimeSpan.FromSeconds(Math.Min(8, 1 << (failures - 1)))),
        }).Build();

    /// <summary>Runs it, as often as it takes.</summary>
    /// <exception cref="TransientException">The last failure.</exception>
    public async Task<T> Try<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellation) =>
        await pipeline.ExecuteAsync(async stop => await action(stop).ConfigureAwait(false), cancellation).ConfigureAwait(false);

    /// <summary>Something arrived: the count of failures begins anew.</summary>
    public void Encourage() => failures = 0;
}
