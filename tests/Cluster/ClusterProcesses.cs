using System.Text.Json;

namespace DistNet.Cluster.Tests;

/// <summary>A coordinator and workers as processes of their own, on loopback.</summary>
/// <param name="workspace">The job and the folders of its runs.</param>
/// <param name="run">The run's name.</param>
internal sealed class ClusterProcesses(Workspace workspace, string run) : IDisposable
{
    private readonly List<DistNetProcess> started = [];

    /// <summary>The folder that coordinators are started in; null for the tests' own.</summary>
    public string? Folder { get; init; }

    /// <summary>The coordinator, the newest one where it was started again.</summary>
    public DistNetProcess Coordinator { get; private set; } = null!;

    /// <summary>What workers join.</summary>
    public string Address { get; private set; } = "127.0.0.1:0";

    /// <summary>The join token of coordinator and workers; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>Starts a coordinator, and returns when workers may join it. One after another has the same address.</summary>
    public async Task StartCoordinator(params string[] more)
    {
        string[] arguments = ["coordinator", workspace.Job, "--bind", Address, "--out", workspace.Run(run), "--json", .. more];
        Coordinator = Add(Folder is null ? DistNetProcess.Start(arguments, Environment(Token)) : DistNetProcess.StartIn(Folder, arguments));
        await Poll.Until(() => Event("listening") is not null || !Coordinator.IsRunning, () => $"the coordinator does not listen.\n{Coordinator.Output}");
        Address = Event("listening")?.GetProperty("address").GetString() ?? throw new InvalidOperationException($"The coordinator ended.\n{Coordinator.Output}");
    }

    /// <summary>Starts a worker.</summary>
    public DistNetProcess StartWorker(string name, params string[] more) => StartWorkerWith(Token, name, more);

    /// <summary>Starts a worker with another token.</summary>
    public DistNetProcess StartWorkerWith(string? token, string name, params string[] more) =>
        Add(DistNetProcess.Start(["worker", "--join", Address, "--name", name, "--threads", "1", .. more], Environment(token)));

    /// <summary>Waits until the coordinator has told so.</summary>
    public Task Told(string text) => Told(Coordinator, text);

    /// <summary>Waits until a process has told so.</summary>
    public static Task Told(DistNetProcess process, string text) =>
        Poll.Until(() => process.Output.Contains(text, StringComparison.Ordinal) || !process.IsRunning, () => $"no '{text}'.\n{process.Output}");

    /// <summary>The first event of a kind that the coordinator has told; null before.</summary>
    public JsonElement? Event(string kind)
    {
        string start = $"{{\"event\":\"{kind}\"";
        string? line = Coordinator.Output.Split('\n').FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal));
        return line is null ? null : JsonDocument.Parse(line).RootElement;
    }

    /// <inheritdoc/>
    public void Dispose() => started.ForEach(process => process.Dispose());

    private static (string, string)[] Environment(string? token) => token is null ? [] : [("DISTNET_TOKEN", token)];

    private DistNetProcess Add(DistNetProcess process)
    {
        started.Add(process);
        return process;
    }
}
