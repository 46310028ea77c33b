using Akka.Hosting;
using Microsoft.Extensions.Logging;

namespace DistNet.Protocol;

/// <summary>The actor system's configuration, in one place; tests use the same.</summary>
public static class ControlConfiguration
{
    /// <summary>The dispatcher of coordinator and workers.</summary>
    public const string Dispatcher = "distnet.control-dispatcher";

    /// <summary>The configuration, as HOCON.</summary>
    public const string Hocon = """
        akka {
          loglevel = OFF                   # without a logger factory nobody listens; with one, it decides what is shown
          stdout-loglevel = OFF            # standard output belongs to the user
          stdout-logger-class = "DistNet.Protocol.SilentLogger, DistNet.Protocol"
          log-config-on-start = off
          log-dead-letters = off           # late answers to actors that stopped are ordinary
          log-dead-letters-during-shutdown = off
          actor {
            serialize-messages = off       # nothing leaves the process
            serialize-creators = off
            default-dispatcher.executor = "DistNet.Protocol.ControlExecutor, DistNet.Protocol"
            internal-dispatcher.executor = "DistNet.Protocol.ControlExecutor, DistNet.Protocol"
          }
          scheduler.implementation = "DistNet.Protocol.ControlScheduler, DistNet.Protocol"  # sleeps until something is due, where Akka's own tick
          coordinated-shutdown {
            run-by-clr-shutdown-hook = off # signals are the command line's
            run-by-actor-system-terminate = off
          }
        }
        distnet.control-dispatcher {
          executor = "DistNet.Protocol.ControlExecutor, DistNet.Protocol"  # a thread of its own: control goes on when the ThreadPool is busy
          throughput = 16
        }
        """;

    /// <summary>Adds the configuration, and logging through <paramref name="loggers"/> where given. May be called more than once.</summary>
    /// <param name="builder">The actor system under construction.</param>
    /// <param name="loggers">Where log lines go; null for nowhere.</param>
    public static AkkaConfigurationBuilder AddDistNetControl(this AkkaConfigurationBuilder builder, ILoggerFactory? loggers = null)
    {
        builder.AddHocon(Hocon, HoconAddMode.Prepend);
        return loggers is null
            ? builder
            : builder.ConfigureLoggers(setup =>
            {
                setup.LogLevel = Akka.Event.LogLevel.DebugLevel;
                setup.ClearLoggers();
                setup.AddLoggerFactory(loggers);
            });
    }
}
