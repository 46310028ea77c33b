using DistNet.Protocol.Wire;
using DistNet.Runs;

namespace DistNet.Protocol.Plane;

/// <summary>The cluster's status on the wire.</summary>
internal static class ClusterStatusWire
{
    private const string Message = "the cluster's status";

    /// <summary>For the wire.</summary>
    public static Wire.ClusterStatus ToWire(ClusterStatus status)
    {
        var wire = new Wire.ClusterStatus
        {
            Run = WireChecks.Bytes(status.Run.Value),
            Term = status.Term,
            Stage = status.Stage,
            Phase = status.Phase,
            Step = status.Step,
            TotalSteps = status.TotalSteps,
            Epoch = status.Epoch,
            TotalEpochs = status.TotalEpochs,
            SamplesPerSecond = status.SamplesPerSecond,
            Loss = status.Loss,
            WaitingFor = status.WaitingFor,
            Seconds = status.Seconds,
        };
        wire.Workers.AddRange(status.Workers.Select(ToWire));
        wire.Counters.AddRange(status.Counters.Select(counter => new Counter { Name = counter.Name, Value = counter.Value }));
        return wire;
    }

    /// <summary>From the wire.</summary>
    /// <exception cref="WireContentException">It cannot be a status.</exception>
    public static ClusterStatus FromWire(Wire.ClusterStatus wire)
    {
        WireChecks.Require(wire.Workers.Count <= WireLimits.Attendances, Message, "workers");
        WireChecks.Require(wire.Counters.Count <= WireLimits.NameLength, Message, "counters");
        return new ClusterStatus(
            new RunId(WireChecks.Identifier(wire.Run, Message, "run")),
            wire.Term,
            WireChecks.Text(wire.Stage, WireLimits.NameLength, Message, "stage"),
            WireChecks.Text(wire.Phase, WireLimits.NameLength, Message, "phase"),
            wire.Step,
            wire.TotalSteps,
            wire.Epoch,
            wire.TotalEpochs,
            wire.SamplesPerSecond,
            wire.Loss,
            WireChecks.Text(wire.WaitingFor, WireLimits.SentenceLength, Message, "waiting for"),
            [.. wire.Workers.Select(FromWire)],
            [.. wire.Counters.Select(counter => new StatusCounter(WireChecks.Name(counter.Name, Message, "counter"), counter.Value))],
            wire.Seconds);
    }

    private static Wire.WorkerStatus ToWire(ClusterWorker worker)
    {
        var wire = new Wire.WorkerStatus
        {
            Worker = worker.Worker,
            Host = worker.Host,
            ProcessId = worker.ProcessId,
            Threads = worker.Threads,
            Transport = worker.Transport,
            Session = worker.Session,
            FirstSlice = worker.Slices.First,
            SliceCount = worker.Slices.Count,
            Seconds = worker.Seconds,
            Activity = WireChecks.ToWire(worker.Activity),
            SilentSeconds = worker.SilentSeconds,
            SamplesPerSecond = worker.SamplesPerSecond,
            Failures = worker.Failures,
        };
        wire.Flags.AddRange(worker.Flags);
        return wire;
    }

    private static ClusterWorker FromWire(Wire.WorkerStatus wire)
    {
        WireChecks.Require(wire.Flags.Count <= WireLimits.NameLength, Message, "flags");
        return new ClusterWorker(
            WireChecks.Name(wire.Worker, Message, "worker"),
            WireChecks.Text(wire.Host, WireLimits.NameLength, Message, "host"),
            wire.ProcessId,
            wire.Threads,
            WireChecks.Text(wire.Transport, WireLimits.NameLength, Message, "transport"),
            wire.Session,
            WireChecks.Slices(wire.FirstSlice, wire.SliceCount, Message),
            wire.Seconds,
            WireChecks.Activity(wire.Activity),
            wire.SilentSeconds,
            wire.SamplesPerSecond,
            [.. wire.Flags.Select(flag => WireChecks.Text(flag, WireLimits.NameLength, Message, "flags"))],
            wire.Failures);
    }
}
