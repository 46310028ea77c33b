using System.Text.Json;

namespace DistNet.Faults;

/// <summary>A coordinator and workers as processes of their own, on loopback.</summary>
/// <param name="workshop">The job.</param>
/// <param name="run">The run's name.</param>
/// <param name="giveUpAfter">Seconds that a worker seeks a coordinator.</param>
internal sealed class Cluster(Workshop workshop, string run, int giveUpAfter = 20) : IDisposable
{
    private readonly List<Child> started = [];
    private string address = "127.0.0.1:0";
    private int workers;

    public Child Coordinator { get; private set; } = null!;

    /// <summary>The workers that were started and not yet taken down, in the order of their start.</summary>
    public List<Child> Workers { get; } = [];

    public string Address => address;

    public int Port => int.Parse(address.AsSpan(address.LastIndexOf(':') + 1), System.Globalization.CultureInfo.InvariantCulture);

    public int ControlPort => Event("listening")!.Value.GetProperty("control_port").GetInt32();

    /// <summary>Starts a coordinator on the address of the one before, and returns when workers may join.</summary>
    public void StartCoordinator(params string[] more)
    {
        Coordinator = Add(Child.Start("coordinator", ["coordinator", workshop.Job, "--bind", address, "--out", workshop.Run(run), "--json", .. more]));
        Poll.Until(() => Event("listening") is not null || !Coordinator.IsRunning, () => $"the coordinator does not listen.\n{Coordinator.Tail()}");
        address = Event("listening")?.GetProperty("address").GetString() ?? throw new FaultException($"The coordinator ended.\n{Coordinator.Tail()}");
    }

    public Child StartWorker()
    {
        string name = $"w{workers++}";
        Child worker = Add(Child.Start(name, "worker", "--join", address, "--name", name, "--threads", "1", "--give-up-after", giveUpAfter.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Workers.Add(worker);
        return worker;
    }

    public void Kill(Child worker)
    {
        Workers.Remove(worker);
        worker.Kill();
    }

    /// <summary>How often the coordinator told of a worker that joined.</summary>
    public int Joined(Child worker) => Coordinator.Events.Count(told => Kind(told) == "worker-joined" && Names(told, worker));

    public void UntilJoined(Child worker, int times = 1) =>
        Poll.Until(() => Joined(worker) >= times || !Coordinator.IsRunning, () => $"{worker.Name} does not join.\n{worker.Tail()}\n{Coordinator.Tail()}");

    /// <summary>Waits for an event about a worker after a moment, and returns the milliseconds in between.</summary>
    public double? Noticed(Child worker, DateTimeOffset since, params string[] kinds)
    {
        JsonElement? Find() => Coordinator.Events
            .Where(told => kinds.Contains(Kind(told)) && Names(told, worker) && told.GetProperty("time").GetDateTimeOffset() >= since)
            .Select(told => (JsonElement?)told).FirstOrDefault();
        Poll.Until(() => Find() is not null || !Coordinator.IsRunning, () => $"nobody noticed what happened to {worker.Name}.\n{Coordinator.Tail()}");
        return Find() is { } noticed ? (noticed.GetProperty("time").GetDateTimeOffset() - since).TotalMilliseconds : null;
    }

    /// <summary>The step of the last epoch that the coordinator told of; 0 before.</summary>
    public long Step() => Coordinator.Events.LastOrDefault(told => Kind(told) == "epoch") is { ValueKind: JsonValueKind.Object } epoch ? epoch.GetProperty("step").GetInt64() : 0;

    /// <summary>Waits for the run's end and checks that everyone went in peace.</summary>
    public void UntilDone(TimeSpan patience)
    {
        if (Coordinator.Exit(patience) != 0)
        {
            throw new FaultException($"The coordinator ended with {Coordinator.ExitCode}.\n{Coordinator.Tail()}");
        }

        foreach (Child worker in Workers)
        {
            // One that was on its way back when the run ended finds nobody any more.
            int code = worker.Exit(TimeSpan.FromSeconds(60));
            if (code != 0 && !(code == 1 && worker.Output.Contains("took this worker for", StringComparison.Ordinal)))
            {
                throw new FaultException($"{worker.Name} ended with {worker.ExitCode}.\n{worker.Tail()}");
            }
        }
    }

    public JsonElement? Event(string kind) => Coordinator.Events.Where(told => Kind(told) == kind).Select(told => (JsonElement?)told).FirstOrDefault();

    public static string Kind(JsonElement told) => told.GetProperty("event").GetString()!;

    public void Dispose() => started.ForEach(child => child.Dispose());

    // A warning names its worker in its sentence alone.
    private static bool Names(JsonElement told, Child worker) => told.TryGetProperty("worker", out JsonElement name)
        ? name.GetString() == worker.Name
        : told.TryGetProperty("message", out JsonElement message) && message.GetString()!.Contains($"orker {worker.Name} ", StringComparison.Ordinal);

    private Child Add(Child child)
    {
        started.Add(child);
        return child;
    }
}
