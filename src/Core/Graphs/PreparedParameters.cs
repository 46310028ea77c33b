using DistNet.Kernels;
using DistNet.Runs;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>What modules make of their parameters once per version, packed weights above all: read by every execution that is handed it with the parameters.</summary>
/// <remarks>Like the parameters it is overwritten in place: an execution that reads it meanwhile gives a worthless result, which its caller drops (see
/// <see cref="Runs.VersionedParameters"/>).</remarks>
public sealed class PreparedParameters
{
    private readonly PassState pass;
    private readonly PreparePhase phase;
    private readonly ThreadTeam team;

    /// <summary>Makes what the modules need, over memory that is allocated or given.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="unit">The vector width.</param>
    /// <param name="team">The threads that prepare.</param>
    /// <param name="memory">Where it goes: <see cref="Length"/> floats at a 64-byte boundary; null allocates it.</param>
    public PreparedParameters(Graph graph, VectorUnit unit, ThreadTeam team, Memory<float>? memory = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(unit);
        ArgumentNullException.ThrowIfNull(team);
        this.team = team;
        pass = new PassState(unit);
        ExecutionMemory execution = new(graph, sliceSize: 1, maximumSlices: 1);
        Memory<float> values = memory ?? new AlignedBuffer(execution.PreparedLength).Memory;
        execution.SetPrepared(values);
        phase = new PreparePhase(pass, execution, [.. Enumerable.Range(0, team.Count).Select(_ => new AlignedBuffer(execution.Scratch))]);
        Values = new PreparedMemory(values, unit.Code);
    }

    /// <summary>What was prepared last.</summary>
    public PreparedMemory Values { get; }

    /// <summary>The floats that a model's modules prepare, at any vector width.</summary>
    /// <param name="graph">The model.</param>
    public static int Length(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new ExecutionMemory(graph, sliceSize: 1, maximumSlices: 1).PreparedLength;
    }

    /// <summary>Prepares the parameters, split among the team.</summary>
    /// <param name="parameters">The parameters, as long as the arena.</param>
    /// <param name="training">Whether backward passes will follow.</param>
    public unsafe void Prepare(ReadOnlySpan<float> parameters, bool training)
    {
        fixed (float* pinned = parameters)
        {
            pass.Set(default, pinned, parameters.Length, training);
            try
            {
                team.Run(phase);
            }
            finally
            {
                pass.Clear();
            }
        }
    }
}
