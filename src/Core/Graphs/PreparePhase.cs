using DistNet.Kernels;
using DistNet.Modules;
using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>Lets every module prepare its parameters (pack its weights), split among the team. Runs when the parameters have changed.</summary>
internal sealed class PreparePhase(PassState pass, ExecutionMemory memory, AlignedBuffer[] scratch) : ITeamWork
{
    private readonly PrepareContext[] contexts = [.. scratch.Select(own => new PrepareContext(pass, own))];

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        foreach (NodeMemory node in memory.Nodes)
        {
            contexts[part].Bind(node, 0, 0);
            node.Node.Module.Prepare(contexts[part], part, parts);
        }
    }
}
