using System.Diagnostics;

namespace DistNet.Graphs;

/// <summary>The pieces that a pass is made of.</summary>
internal enum PassPart
{
    Gather,
    Forward,
    Loss,
    Backward,
    ParameterGradient,
}

/// <summary>A stopwatch for the roofline of a step (<c>bench/Kernels step</c>): each piece of a pass takes the time since the one before it. For a team of one thread; a run has none.</summary>
internal sealed class PassLaps
{
    private readonly Dictionary<(PassPart Part, string Node), long> ticks = [];
    private long last;

    /// <summary>The time of each piece of the passes since <see cref="Clear"/>, in <see cref="Stopwatch.Frequency"/>. The node's name is empty for gather and loss.</summary>
    public IReadOnlyDictionary<(PassPart Part, string Node), long> Ticks => ticks;

    /// <summary>A pass begins.</summary>
    public void Begin() => last = Stopwatch.GetTimestamp();

    /// <summary>A piece is done.</summary>
    public void Lap(PassPart part, string node)
    {
        long now = Stopwatch.GetTimestamp();
        ticks[(part, node)] = ticks.GetValueOrDefault((part, node)) + now - last;
        last = now;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => ticks.Clear();
}
