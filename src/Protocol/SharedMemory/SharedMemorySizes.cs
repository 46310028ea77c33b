using DistNet.Graphs;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Protocol.SharedMemory;

/// <summary>How much memory a run shares. Both ends reckon it for themselves and compare.</summary>
/// <param name="ArenaLength">Floats of the parameters and of each gradient, padding included.</param>
/// <param name="PreparedLength">Floats that the modules prepare of the parameters.</param>
/// <param name="Unit">The <see cref="VectorUnit.Code"/> that the coordinator prepares for. A worker of another width prepares for itself.</param>
/// <param name="Slots">Gradients of a session at once.</param>
public sealed record SharedMemorySizes(int ArenaLength, int PreparedLength, int Unit, int Slots)
{
    /// <summary>Those of a run.</summary>
    public static SharedMemorySizes Of(RunSetup setup, VectorUnit unit)
    {
        ArgumentNullException.ThrowIfNull(setup);
        ArgumentNullException.ThrowIfNull(unit);
        return new SharedMemorySizes(
            setup.Graph.Layout.ArenaLength, PreparedParameters.Length(setup.Graph), unit.Code, SharedGradients.SlotsFor(setup.Plan.SlicesOf(setup.Plan.Batch)));
    }
}
