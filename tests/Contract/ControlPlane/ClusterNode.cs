using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster;
using DistNet.Cluster.Tests;
using DistNet.Protocol;
using DistNet.Protocol.Security;
using Microsoft.Extensions.Logging;

namespace DistNet.Contract.Tests.ControlPlane;

/// <summary>A real actor system on loopback, with the real configuration.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(30);

    private readonly ControlHost host;

    private ClusterNode(ControlHost host, LogLines log)
    {
        this.host = host;
        Log = log;
    }

    public ActorSystem System => host.System;

    public LogLines Log { get; }

    public Akka.Cluster.Cluster Cluster => Akka.Cluster.Cluster.Get(System);

    public string Address => ClusterConfiguration.ControlAddress(System);

    public static Task<ClusterNode> CoordinatorAsync(TlsFiles? tls = null, string host = "127.0.0.1", string? publicHost = null) =>
        StartAsync(new ClusterNodeOptions { Role = ClusterRole.Coordinator, BindHost = host, PublicHost = publicHost, Tls = tls });

    public static Task<ClusterNode> WorkerAsync(string seed, TlsFiles? tls = null, string host = "127.0.0.1") =>
        StartAsync(new ClusterNodeOptions { Role = ClusterRole.Worker, BindHost = host, Seed = seed, Tls = tls });

    public static async Task<ClusterNode> StartAsync(ClusterNodeOptions options)
    {
        var log = new LogLines();
        return new(await ControlHost.StartAsync(builder => builder.AddDistNetControl(log).AddDistNetCluster(options), log), log);
    }

    /// <summary>Waits until this node sees so many members up, itself included.</summary>
    public Task UpAsync(int members) => UntilAsync(() => Cluster.State.Members.Count(member => member.Status == MemberStatus.Up) == members, $"{members} members are up");

    public Task LoggedAsync(string text) => UntilAsync(() => Log.Any(text), $"'{text}' is logged");

    public Task UntilAsync(Func<bool> holds, string what) =>
        Poll.Until(holds, () => $"{what}. The members: {string.Join(", ", Cluster.State.Members)}. The log:\n{Log}");

    public IActorRef Echo(string name, Action<object, IActorRef> receive) => System.ActorOf(Props.Create(() => new EchoActor(receive)), name);

    public async ValueTask DisposeAsync() => await host.DisposeAsync();

    private sealed class EchoActor : UntypedActor
    {
        private readonly Action<object, IActorRef> receive;

        public EchoActor(Action<object, IActorRef> receive) => this.receive = receive;

        protected override void OnReceive(object message) => receive(message, Sender);
    }
}

/// <summary>What an actor system logs.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> lines = new();

    public bool Any(string text) => lines.Any(line => line.Contains(text, StringComparison.Ordinal));

    public override string ToString() => string.Join("\n", lines);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception?.Message}");
        }
    }

    public void Dispose()
    {
    }
}
