using Akka.Actor;
using Akka.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DistNet.Protocol;

/// <summary>An actor system of our own inside any process: no generic host, no signal handlers, nothing on the console.</summary>
public sealed class ControlHost : IAsyncDisposable
{
    private readonly ServiceProvider services;
    private readonly IHostedService[] hosted;

    private ControlHost(ServiceProvider services)
    {
        this.services = services;
        hosted = [.. services.GetServices<IHostedService>()];
    }

    /// <summary>The actor system.</summary>
    public ActorSystem System => services.GetRequiredService<ActorSystem>();

    /// <summary>The actors by their types.</summary>
    public IActorRegistry Registry => ActorRegistry.For(System);

    /// <summary>Creates and starts an actor system.</summary>
    /// <param name="configure">Adds coordinator and workers.</param>
    /// <param name="loggers">Where log lines go; null for nowhere.</param>
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
        collection.AddAkka("distnet", configure);
        var host = new ControlHost(collection.BuildServiceProvider());
        foreach (IHostedService service in host.hosted)
        {
            await service.StartAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return host;
    }

    /// <summary>Stops the actors and the system. Compute under way on a worker's thread is left to end by itself.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (IHostedService service in hosted)
        {
            await service.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }

        await services.DisposeAsync().ConfigureAwait(false);
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
