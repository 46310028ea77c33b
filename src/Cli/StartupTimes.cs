using System.Diagnostics;
using System.Text.Json;

namespace DistNet.Cli;

/// <summary>What the time from the start of a command to the end of its run's first step goes to; each phase begins where the one before ends.</summary>
internal enum StartupPhase
{
    /// <summary>From the process's start to the command's entry.</summary>
    Runtime,

    /// <summary>The command line is parsed, the job file read and checked.</summary>
    Command,

    /// <summary>The data files are read, hashed, split and normalised.</summary>
    Data,

    /// <summary>The model is built, checked against the data, and the run folder written.</summary>
    Model,

    /// <summary>In a cluster: the parameters are made, the cluster's node and the tensor plane stand, and workers may join.</summary>
    Listening,

    /// <summary>The last worker that came before the first step is there; in one process the parameters and the actor system are made in it too.</summary>
    Workers,

    /// <summary>The first step is done.</summary>
    FirstStep,
}

/// <summary>Measures a command's start by phase; in <c>run.json</c> as <c>startup_ms</c>.</summary>
/// <remarks>Phases are told in order: by the command's thread up to the start of the training, then by whoever leads the run, and read at the end.</remarks>
internal sealed class StartupTimes
{
    private readonly long[] reached = new long[Enum.GetValues<StartupPhase>().Length];
    private readonly long begun;

    private StartupTimes(TimeSpan runtime)
    {
        long now = Stopwatch.GetTimestamp();
        begun = now - (long)(runtime.TotalSeconds * Stopwatch.Frequency);
        reached[(int)StartupPhase.Runtime] = now;
    }

    /// <summary>Of this process, from its entry; Linux knows a process's start to 10 ms.</summary>
    public static StartupTimes OfProcess()
    {
        using var process = Process.GetCurrentProcess();
        TimeSpan runtime = DateTime.Now - process.StartTime;
        return new StartupTimes(runtime > TimeSpan.Zero ? runtime : TimeSpan.Zero);
    }

    /// <summary>Of a command that is called inside a process that has long been running.</summary>
    public static StartupTimes OfCall() => new(TimeSpan.Zero);

    /// <summary>Milliseconds from the process's start to the end of a phase; null where it was not reached.</summary>
    public double? Milliseconds(StartupPhase phase) =>
        Volatile.Read(ref reached[(int)phase]) is > 0 and var at ? (at - begun) * 1000.0 / Stopwatch.Frequency : null;

    /// <summary>A phase is over. Of several times the latest counts; after the first step none.</summary>
    public void Reached(StartupPhase phase)
    {
        if (reached[(int)StartupPhase.FirstStep] == 0)
        {
            Volatile.Write(ref reached[(int)phase], Stopwatch.GetTimestamp());
        }
    }

    /// <summary>Writes the milliseconds of each phase that was reached, and their total once the first step was.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("startup_ms");
        double before = 0;
        foreach (StartupPhase phase in Enum.GetValues<StartupPhase>())
        {
            if (Milliseconds(phase) is { } end)
            {
                writer.WriteNumber(JsonNamingPolicy.SnakeCaseLower.ConvertName(phase.ToString()), Math.Round(end - before, 1));
                before = end;
            }
        }

        if (Milliseconds(StartupPhase.FirstStep) is { } total)
        {
            writer.WriteNumber("total", Math.Round(total, 1));
        }

        writer.WriteEndObject();
    }
}
