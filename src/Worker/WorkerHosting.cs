using Akka.Actor;
using Akka.Hosting;
using DistNet.Protocol;
using Microsoft.Extensions.Logging;

namespace DistNet.Worker;

/// <summary>Adds workers to an actor system.</summary>
public static class WorkerHosting
{
    /// <summary>Adds a worker actor, named as the worker. A worker that throws starts again and registers anew.</summary>
    /// <param name="builder">The actor system under construction.</param>
    /// <param name="settings">What the worker needs.</param>
    /// <param name="findCoordinator">The coordinator, where it is known; null leaves the worker seeking until it is sent <see cref="CoordinatorFound"/>.</param>
    /// <param name="loggers">Where log lines go.</param>
    public static AkkaConfigurationBuilder AddDistNetWorker(
        this AkkaConfigurationBuilder builder,
        WorkerSettings settings,
        Func<ActorSystem, IActorRegistry, IActorRef?> findCoordinator,
        ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(findCoordinator);
        return builder
            .AddDistNetControl(loggers)
            .WithActors((system, registry) => system.ActorOf(WorkerActor.Props(settings, findCoordinator(system, registry)), settings.Worker.Name));
    }
}
