using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Cli.Verbs;
using DistNet.Protocol.Security;

namespace DistNet.Cli.Supervision;

/// <summary>Keeps a run's processes alive: one coordinator, started again on its port when it dies, and workers, each started again in its place. Passes signals on and leaves nothing behind.</summary>
/// <remarks>One thread, this one, decides; the children's news come by a queue. A run has ended when the coordinator said so (<c>done</c>, <c>interrupted</c>, <c>error</c>): an end without a word is a crash.</remarks>
internal sealed class Supervisor : IDisposable
{
    /// <summary>Deaths in a row without a further step that are answered by a restart: a fault that comes back at once, each time, will not go away.</summary>
    private const int MaximumDeaths = 5;

    /// <summary>How long children that were dismissed may take before they are killed.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);

    /// <summary>How long a coordinator may take from the end of the last step to its last event before workers that left are started again.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);

    private readonly SupervisedRun run;
    private readonly ChildCommand command;
    private readonly RunDisplay display;
    private readonly EventRelay relay;
    private readonly StopSignals signals;
    private readonly string token = JoinToken.Random().Secret;
    private readonly BlockingCollection<ChildNews> news = [];
    private readonly RestartPolicy policy = new(MaximumDeaths);
    private readonly ImmutableArray<WorkerSlot> workers;
    private readonly ConcurrentDictionary<ChildProcess, bool> alive = new();
    private ChildProcess? coordinator;
    private Death? untold;
    private bool asked;

    public Supervisor(SupervisedRun run, ChildCommand command, RunDisplay display, bool showsWorkers, StopSignals signals)
    {
        this.run = run;
        this.command = command;
        this.display = display;
        this.signals = signals;
        workers = [.. Enumerable.Range(1, run.Processes).Select(number => new WorkerSlot($"w{number}", MaximumDeaths))];
        relay = new EventRelay(display, run.Processes, run.Threads, showsWorkers) { OnStep = GoesOn, OnJoined = Joined };
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>Restarts of the coordinator.</summary>
    public int CoordinatorRestarts => policy.Restarts;

    /// <summary>Restarts of workers.</summary>
    public int WorkerRestarts => workers.Sum(slot => slot.Policy.Restarts);

    /// <summary>Runs until the coordinator has said how the run ended.</summary>
    /// <param name="resume">Whether the folder holds a run to go on with.</param>
    /// <returns>Its last event; null where it was asked to stop and died without one.</returns>
    /// <exception cref="DistNetException">A process cannot be started, or dies again and again.</exception>
    public JsonObject? Run(bool resume)
    {
        using CancellationTokenRegistration wake = signals.Token.Register(() => news.Add(default));
        StartCoordinator("127.0.0.1:0", resume, run.Processes);
        while (coordinator is not null)
        {
            if (news.TryTake(out ChildNews next, UntilNextStart()) && next.Child is { } child)
            {
                Take(child, next.Line);
            }

            PassSignalOn();
            StartWorkers();
        }

        TellUntold();
        return relay.End;
    }

    /// <summary>Ends all processes that are left and waits for that.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        EndAll();
        news.Dispose();
    }

    private void Take(ChildProcess child, string? line)
    {
        if (line is null)
        {
            alive.TryRemove(child, out _);
            if (child == coordinator)
            {
                CoordinatorEnded(child);
            }
            else
            {
                WorkerEnded(workers.Single(slot => slot.Process == child), child);
            }
        }
        else if (child == coordinator ? !relay.Take(line) : !TakeFromWorker(child, line))
        {
            child.LastWords = line;
        }
    }

    private void CoordinatorEnded(ChildProcess child)
    {
        coordinator = null;
        if (relay.End is not null || asked)
        {
            return;
        }

        untold ??= Death.Of(child, relay.Step, Stopwatch.GetTimestamp());
        if (policy.Died(relay.Step) is not { } pause)
        {
            throw DistNetException.Failed(FormattableString.Invariant(
                $"The coordinator {Death.Of(child, 0, 0).Ending}, {policy.DeathsInARow} times in a row without a further step; the run stays at its last checkpoint and --resume goes on with it."));
        }

        // A pause of some seconds at the most, in which there is nothing to do but to look at the signal.
        if (signals.Token.WaitHandle.WaitOne(pause))
        {
            return;
        }

        StartCoordinator(relay.Address ?? "127.0.0.1:0", RunFolder.HoldsRun(run.Folder), minimumWorkers: 1);
    }

    private void WorkerEnded(WorkerSlot slot, ChildProcess child)
    {
        slot.Process = null;
        if (relay.End is not null || asked)
        {
            return;
        }

        if (child.ExitCode == 0)
        {
            // The coordinator told it that the run is over. Should that not come true, it is needed again.
            slot.StartAt = Stopwatch.GetTimestamp() + (long)(Settled.TotalSeconds * Stopwatch.Frequency);
            return;
        }

        slot.Untold ??= Death.Of(child, relay.Step, Stopwatch.GetTimestamp());
        if (slot.Policy.Died(relay.Step) is not { } pause)
        {
            throw DistNetException.Failed(FormattableString.Invariant(
                $"The worker {slot.Name}: {Death.Of(child, 0, 0).Ending}, {slot.Policy.DeathsInARow} times in a row without a further step of the run; --resume goes on with the run from its last checkpoint."));
        }

        slot.StartAt = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);
    }

    private void StartCoordinator(string address, bool resume, int minimumWorkers)
    {
        coordinator = Start("the coordinator", run.Coordinator(address, resume, minimumWorkers));
        foreach (WorkerSlot slot in workers.Where(slot => slot.Process is null))
        {
            slot.StartAt = 0;
        }
    }

    private void StartWorkers()
    {
        if (relay.Address is not { } address || relay.End is not null || coordinator is null || asked)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        foreach (WorkerSlot slot in workers.Where(slot => slot.StartAt <= now))
        {
            slot.StartAt = null;
            slot.Process = Start($"the worker {slot.Name}", run.Worker(slot.Name, workers.IndexOf(slot), address));
        }
    }

    private ChildProcess Start(string name, IEnumerable<string> arguments)
    {
        ChildProcess child = ChildProcess.Start(name, command.Start(arguments, token), news);
        alive[child] = true;
        return child;
    }

    private TimeSpan UntilNextStart()
    {
        long? next = relay.Address is null || relay.End is not null ? null : workers.Min(slot => slot.StartAt);
        TimeSpan wait = next is { } at ? Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), Math.Max(at, Stopwatch.GetTimestamp())) : Idle;
        return wait < Idle ? wait : Idle;
    }

    private void PassSignalOn()
    {
        if (signals.Token.IsCancellationRequested && !asked)
        {
            asked = true;
            coordinator?.Tell(signals.ExitCode == StopSignals.TerminateCode ? "terminate" : "interrupt");
        }
    }

    private bool TakeFromWorker(ChildProcess child, string line)
    {
        try
        {
            if (JsonNode.Parse(line) is not JsonObject read)
            {
                return false;
            }

            string sentence = read["message"]?.GetValue<string>() ?? "";
            switch (read["event"]?.GetValue<string>())
            {
                case "warning":
                    display.Warning($"{child.Name}: {sentence}");
                    break;
                case "error":
                    child.LastWords = sentence;
                    break;
                default:
                    break;
            }

            return true;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private void GoesOn(long step)
    {
        if (untold is { } death)
        {
            untold = null;
            display.Warning(FormattableString.Invariant(
                $"the coordinator {death.Ending} after step {Math.Max(death.Step, 0)} and was started again: the run is at step {step}, {Seconds(death)} s later"));
        }
    }

    private void Joined(string worker)
    {
        foreach (WorkerSlot slot in workers)
        {
            if (slot.Untold is { } death && slot.Name == worker)
            {
                slot.Untold = null;
                display.Warning(FormattableString.Invariant($"the worker {slot.Name}: {death.Ending}; started again, it joined {Seconds(death)} s later"));
            }
        }
    }

    // Every restart is told, also where the run ended before its fruit was seen.
    private void TellUntold()
    {
        if (untold is { } death && policy.Restarts > 0)
        {
            display.Warning($"the coordinator {death.Ending} and was started again");
        }

        foreach (WorkerSlot slot in workers.Where(slot => slot.Untold is not null))
        {
            display.Warning($"the worker {slot.Name}: {slot.Untold!.Ending}; the run ended before it joined again");
        }
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        foreach (ChildProcess child in alive.Keys)
        {
            child.Kill();
        }
    }

    private void EndAll()
    {
        foreach (ChildProcess child in alive.Keys)
        {
            child.Dismiss();
        }

        long begun = Stopwatch.GetTimestamp();
        foreach (ChildProcess child in alive.Keys)
        {
            TimeSpan left = Farewell - Stopwatch.GetElapsedTime(begun);
            if (!child.HasEndedWithin(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                child.Kill();
                child.HasEndedWithin(Farewell);
            }
        }
    }

    private static string Seconds(Death death) => Stopwatch.GetElapsedTime(death.At).TotalSeconds.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture);
}
