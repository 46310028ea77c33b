using Akka.Event;

namespace DistNet.Protocol;

/// <summary>Takes what Akka would print on standard output when no other logger is there: while it starts, and what its loggers had not read when they stopped
/// (whatever the level). Standard output belongs to the user.</summary>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc/>
    protected override void Log(object message)
    {
    }
}
