// How long a hub may be silent, and what a broken connection is called.
namespace Aerie.Hub;

/// <summary>A limit on silence: every guarded step has the whole time again. Failures of the connection become transient ones.</summary>
sealed class Silence : IDisposable
{
    readonly TimeSpan limit;
    readonly CancellationToken caller;
    readonly CancellationTokenSource idle, either;

    public Silence(TimeSpan limit, TimeProvider clock, CancellationToken cancellation)
    {
        (this.limit, caller) = (limit, cancellation);
        idle = new CancellationTokenSource(limit, clock);
        either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellation);
    }

    public async Task<T> Guard<T>(Func<CancellationToken, Task<T>> step, Uri address)
    {
        idle.CancelAfter(limit);
        try
        {
            return await step(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!caller.IsCancellationRequested)
        {
            throw new TransientException($"{address.GetLeftPart(UriPartial.Authority)}: no answer for {limit.TotalSeconds:0} s", inner: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !caller.IsCancellationRequested)
        {
            throw new TransientException($"{address.GetLeftPart(UriPartial.Authority)}: {(e is HttpRequestException ? e.InnerException ?? e : e).Message}", inner: e);
        }
    }

    public void Dispose()
    {
        either.Dispose();
        idle.Dispose();
    }
}
