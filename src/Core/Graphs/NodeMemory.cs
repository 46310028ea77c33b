using DistNet.Tensors;

namespace DistNet.Graphs;

/// <summary>The buffers of one node in one execution. Views of values and gradients may be shared between nodes.</summary>
internal sealed class NodeMemory
{
    public required GraphNode Node { get; init; }

    public required RowBuffer[] Inputs { get; init; }

    public required RowBuffer Output { get; init; }

    public required AlignedBuffer Saved { get; init; }

    public required int SavedPerSample { get; init; }

    public required AlignedBuffer SlicesSaved { get; init; }

    public required int SavedPerSlice { get; init; }

    public required uint RandomStream { get; init; }

    /// <summary>Whether the parameters' gradients are computed at the end of the pass, from all its rows.</summary>
    public required bool IsKept { get; init; }

    /// <summary>Whether this node computes the rule of the node before it along with its own, or gathers the sample that it reads.</summary>
    public required bool TakesIn { get; init; }

    /// <summary>Whether the node after computes this node's rule along with its own.</summary>
    public required bool IsTakenIn { get; init; }

    /// <summary>For a route: the output buffers of its branches. Elsewhere one, the output.</summary>
    public required RowBuffer[] Outputs { get; init; }

    /// <summary>For a route or a merge: the domains of its branches. Elsewhere empty.</summary>
    public required int[] BranchDomains { get; init; }

    /// <summary>The gradients by the inputs; empty where nobody needs them, and without memory until the first training pass.</summary>
    public RowBuffer[] InputGradients { get; set; } = [];

    /// <summary>The gradients by the outputs; empty where nobody needs them, and without memory until the first training pass.</summary>
    public RowBuffer[] OutputGradients { get; set; } = [];
}
