// Ctrl-C: the first asks the run to finish its step and save, the second stops now.
using System.Runtime.InteropServices;

namespace Aerie.Cli;

sealed class Interrupts : IDisposable
{
    readonly CancellationTokenSource source = new();
    readonly PosixSignalRegistration interrupt, terminate;
    int asked;

    public CancellationToken Token => source.Token;

    public Interrupts()
    {
        interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        if (Interlocked.Increment(ref asked) > 1) Environment.Exit(ExitCode.Cancelled);
        Console.Error.WriteLine("\nstopping after this step; once more stops now");
        source.Cancel();
    }

    public void Dispose()
    {
        interrupt.Dispose();
        terminate.Dispose();
        source.Dispose();
    }
}
