using System.Runtime.InteropServices;

namespace DistNet.Cli.Verbs;

/// <summary>What asks a process to stop: Ctrl-C and SIGTERM, or, where a supervisor leads it, lines on its standard input. The first asks, the second ends the process at once.</summary>
/// <remarks>A supervised process ignores the signals, which the terminal sends to its whole group: the supervisor passes on what it wants to, as the line <c>interrupt</c> or
/// <c>terminate</c>. When the supervisor dies, by whatever signal, the standard input ends; then this process ends at once, as it would without power.</remarks>
internal sealed class StopSignals : IDisposable
{
    /// <summary>Exit code after Ctrl-C.</summary>
    public const int InterruptCode = 130;
    /// <summary>Exit code after SIGTERM.</summary>
    public const int TerminateCode = 143;
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private int exitCode;

    public StopSignals(bool supervised = false)
    {
        registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, InterruptCode, supervised)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, TerminateCode, supervised)),
        ];
        if (supervised)
        {
            new Thread(Listen) { Name = "distnet-supervision", IsBackground = true }.Start();
        }
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>130 for Ctrl-C, 143 for SIGTERM, 0 before any.</summary>
    public int ExitCode => Volatile.Read(ref exitCode);

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in registrations)
        {
            registration.Dispose();
        }

        source.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int code, bool ignored)
    {
        context.Cancel = true;
        if (!ignored)
        {
            Stop(code);
        }
    }

    private void Listen()
    {
        while (Console.In.ReadLine() is { } line)
        {
            switch (line.Trim())
            {
                case "interrupt":
                    Stop(InterruptCode);
                    break;
                case "terminate":
                    Stop(TerminateCode);
                    break;
                default:
                    break;
            }
        }

        Environment.Exit((int)FailureKind.Failed);
    }

    private void Stop(int code)
    {
        if (Interlocked.CompareExchange(ref exitCode, code, 0) != 0)
        {
            Environment.Exit(code);
        }

        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The run has ended by itself.
        }
    }
}
