using Akka.Hosting;
using DistNet.Protocol;
using Microsoft.Extensions.Logging;

namespace DistNet.Coordinator;

/// <summary>Adds a coordinator to an actor system.</summary>
public static class CoordinatorHosting
{
    /// <summary>The coordinator actor's name.</summary>
    public const string ActorName = "coordinator";

    /// <summary>Adds the coordinator actor and registers it as <see cref="CoordinatorActor"/>. The run begins when the system starts, and waits for workers.</summary>
    /// <param name="builder">The actor system under construction.</param>
    /// <param name="settings">What the coordinator needs.</param>
    /// <param name="loggers">Where log lines go.</param>
    public static AkkaConfigurationBuilder AddDistNetCoordinator(this AkkaConfigurationBuilder builder, CoordinatorSettings settings, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(settings);
        return builder
            .AddDistNetControl(loggers)
            .WithActors((system, registry) => registry.Register<CoordinatorActor>(system.ActorOf(CoordinatorActor.Props(settings), ActorName)));
    }
}
