using DistNet.Kernels;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>What modules make of their parameters once per version, packed weights above all: read by every execution of the process that is given it.</summary>
/// <remarks>Like the parameters it is overwritten in place: an execution that reads it meanwhile gives a worthless result, which its caller drops (see
/// <see cref="Runs.VersionedParameters"/>).</remarks>
public sealed class PreparedParameters
{
    private readonly PassState pass;
    private readonly ExecutionMemory memory;
    private readonly PreparePhase phase;
    private readonly ThreadTeam team;

    /// <summary>Allocates the memory.</summary>
    /// <param name="graph">The model.</param>
    /// <param name="unit">The vector width.</param>
    /// <param name="team">The threads that prepare.</param>
    public PreparedParameters(Graph graph, VectorUnit unit, ThreadTeam team)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(team);
        this.team = team;
        pass = new PassState(unit);
        memory = new ExecutionMemory(graph, sliceSize: 1, maximumSlices: 1);
        phase = new PreparePhase(pass, memory, [.. Enumerable.Range(0, team.Count).Select(_ => new AlignedBuffer(memory.Scratch))]);
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

    internal AlignedBuffer Of(int node) => memory.Nodes[node].Prepared;
}
