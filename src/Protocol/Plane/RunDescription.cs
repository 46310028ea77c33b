using DistNet.Data;
using DistNet.Runs;

namespace DistNet.Protocol.Plane;

/// <summary>What a worker must know to compute exactly what the coordinator means.</summary>
/// <param name="Run">The run.</param>
/// <param name="Term">The life of the coordinator.</param>
/// <param name="JobJson">The effective job as canonical JSON.</param>
/// <param name="Data">The files, the fingerprint of what is in them, and the normalisation.</param>
/// <param name="SetupHash">A hash of all that decides the bits; the worker's own must be the same.</param>
/// <param name="ArenaLength">Floats of the parameters and of each gradient, padding included.</param>
/// <param name="Slots">Gradients that a session may have at the coordinator at once.</param>
public sealed record RunDescription(RunId Run, int Term, string JobJson, DataDescription Data, string SetupHash, int ArenaLength, int Slots);

/// <summary>Files that a worker can open where it runs on the coordinator's machine.</summary>
/// <param name="ParametersFile">The mapping of the parameters.</param>
/// <param name="GradientsFile">The mapping of this session's gradients.</param>
/// <param name="Nonce">Stands in the gradients' mapping, so that a file of the same name on another machine is not taken for it.</param>
/// <param name="ParametersBytes">The first file's length.</param>
/// <param name="GradientsBytes">The second file's length.</param>
public sealed record SharedMemoryPaths(string ParametersFile, string GradientsFile, Guid Nonce, long ParametersBytes, long GradientsBytes);
