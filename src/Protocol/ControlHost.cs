using System.Net.Sockets;
using Akka.Actor;
using Akka.Hosting;
using Akka.Remote;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DistNet.Protocol;

/// <summary>An actor system of our own inside any process: no generic host, no signal handlers, nothing on the console.</summary>
public sealed class ControlHost : IAsyncDisposable
{
    /// <summary>The name of every actor system of ours; part of the addresses in a cluster.</summary>
    public const string SystemName = "distnet";

    // Actors stop within milliseconds and what is still to be sent within half a second; a system that does not end is left.
    private static readonly TimeSpan MostToEnd = TimeSpan.FromSeconds(5);

    private readonly ServiceProvider services;

    private ControlHost(ServiceProvider services) => this.services = services;

    /// <summary>The actor system.</summary>
    public ActorSystem System => services.GetRequiredService<ActorSystem>();

    /// <summary>The actors by their types.</summary>
    public IActorRegistry Registry => ActorRegistry.For(System);

    /// <summary>Creates and starts an actor system.</summary>
    /// <param name="configure">Adds coordinator and workers.</param>
    /// <param name="loggers">Where log lines go; null for nowhere.</param>
    /// <exception cref="DistNetException">In a cluster: the node's address cannot be listened on.</exception>
    public static async Task<ControlHost> StartAsync(Action<AkkaConfigurationBuilder> configure, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var collection = new ServiceCollection();
        collection.AddLogging();
        if (loggers is not null)
        {
            collection.AddSingleton(loggers);
        }

        collection.AddSingleton<IHostApplicationLifetime, NoLifetime>();
        collection.AddAkka(SystemName, configure);
        ServiceProvider services = collection.BuildServiceProvider();
        try
        {
            // Made here, as the hosted service would print on standard output that it cannot be.
            _ = services.GetRequiredService<ActorSystem>();
        }
        catch (Exception error)
        {
            await services.DisposeAsync().ConfigureAwait(false);
            if (CannotListen(error) is { } sentence)
            {
                throw DistNetException.Failed(sentence, error);
            }

            throw;
        }

        var host = new ControlHost(services);
        foreach (IHostedService service in services.GetServices<IHostedService>())
        {
            await service.StartAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return host;
    }

    /// <summary>Has the runtime compile what an actor system is made of, beside whatever the caller does until it needs one: an empty system comes and goes on a thread of its own.
    /// Nothing depends on it, and it need not end.</summary>
    public static void Prepare() => OwnThread.Run("prepare-control", () =>
    {
        StartAsync(akka => akka.AddDistNetControl()).GetAwaiter().GetResult().DisposeAsync().AsTask().Wait();
        return true;
    });

    /// <summary>Stops the actors and the system. Compute under way on a worker's thread is left to end by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        // Not by the services' stop, which runs Akka's coordinated shutdown: a node whose network is gone would take leave of the cluster for ten seconds.
        Task ended = System.Terminate();
        if (await Task.WhenAny(ended, Task.Delay(MostToEnd)).ConfigureAwait(false) == ended)
        {
            // They wait for the system's end, however long it takes.
            await services.DisposeAsync().ConfigureAwait(false);
        }
    }

    // In a cluster: as a rule its port is taken. Akka names the address in brackets, and the system's words are further down.
    private static string? CannotListen(Exception error)
    {
        string? where = null;
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is RemoteTransportException)
            {
                int open = cause.Message.IndexOf('[', StringComparison.Ordinal);
                int close = cause.Message.LastIndexOf(']');
                where = open >= 0 && close > open ? cause.Message[(open + 1)..close] : cause.Message;
            }

            if (where is not null && cause is SocketException)
            {
                return $"the control plane cannot listen on {where}: {cause.Message.TrimEnd('.')}.";
            }
        }

        return where is null ? null : $"the control plane cannot listen on {where}.";
    }

    // The process is not ours to end.
    private sealed class NoLifetime : IHostApplicationLifetime
    {
        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication()
        {
        }
    }
}
