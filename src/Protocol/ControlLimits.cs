using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>Every bound of the control plane's messages, with its reason. What exceeds one is refused where it is read; what we write never does.</summary>
public static class ControlLimits
{
    /// <summary>A message: heartbeats share its connection and must not wait behind it, and Akka's frame has to hold it with its envelope.</summary>
    public const int MessageBytes = 32_000;

    /// <summary>Nodes of one answer: the cover of a shard of 2^30 slices has 58.</summary>
    public const int Nodes = 64;

    /// <summary>Tickets that a coordinator holds of one session: as many as a session has slots.</summary>
    public const int Held = WireLimits.Slots;

    /// <summary>A worker's name, in UTF-16 units; the tensor plane takes the same.</summary>
    public const int NameLength = WireLimits.NameLength;

    /// <summary>A reason or a sentence, in UTF-16 units: what a person reads. Longer ones are cut where they are written.</summary>
    public const int TextLength = 2_000;

    /// <summary>A layer's name or what was found in it, in UTF-16 units.</summary>
    public const int FindingLength = 500;

    /// <summary>Compute threads that a worker may say it has.</summary>
    public const int Threads = WireLimits.Threads;

    /// <summary>Slices of a batch or a split.</summary>
    public const int Slices = CanonicalSum.MaximumSlices;

    /// <summary>The longest time that a shard may be said to have taken: a year.</summary>
    public const double Seconds = 365 * 24 * 3600.0;
}
