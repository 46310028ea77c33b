using DistNet.Training;

namespace DistNet.Protocol.SharedMemory;

/// <summary>How much memory a run shares. Both ends reckon it for themselves and compare.</summary>
/// <param name="ArenaLength">Floats of the parameters and of each gradient, padding included.</param>
/// <param name="Slots">Gradients of a session at once.</param>
public sealed record SharedMemorySizes(int ArenaLength, int Slots)
{
    /// <summary>Those of a run.</summary>
    public static SharedMemorySizes Of(RunSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        return new SharedMemorySizes(setup.Graph.Layout.ArenaLength, SharedGradients.SlotsFor(setup.Plan.SlicesOf(setup.Plan.Batch)));
    }
}
