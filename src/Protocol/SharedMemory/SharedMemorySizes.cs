using System.Globalization;
using DistNet.Training;

namespace DistNet.Protocol.SharedMemory;

/// <summary>How much memory a run shares. Both ends reckon it for themselves and compare.</summary>
/// <param name="ArenaLength">Floats of the parameters and of each gradient, padding included.</param>
/// <param name="Slots">Gradients of a session at once.</param>
public sealed record SharedMemorySizes(int ArenaLength, int Slots)
{
    /// <summary>Those of a run.</summary>
    /// <exception cref="DistNetException">The parameters are more than go between processes.</exception>
    public static SharedMemorySizes Of(RunSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        int floats = setup.Graph.Layout.ArenaLength;
        if (floats > WireLimits.ArenaFloats)
        {
            throw DistNetException.BadInput(string.Create(
                CultureInfo.InvariantCulture,
                $"All parameters of the model together are {floats:N0} floats; expected at most {WireLimits.ArenaFloats:N0} (2 GiB) between processes: take a smaller model, or train in one process."));
        }

        return new SharedMemorySizes(floats, SharedGradients.SlotsFor(setup.Plan.SlicesOf(setup.Plan.Batch)));
    }
}
