using DistNet.Kernels;
using DistNet.Modules;

namespace DistNet.Graphs;

/// <summary>Moves rows into and out of the branches of a Select, slice by slice. Every row takes exactly one branch, so each gradient row is written exactly once.</summary>
internal static class Routes
{
    /// <summary>Chooses each row's branch and copies the row there.</summary>
    public static void Forward(SelectRule rule, NodeMemory node, RowDomain domain, RowDomain[] domains, int from, int to)
    {
        int width = node.Node.OutputShape.Length;
        ReadOnlySpan<float> input = node.Inputs[0].Span;
        for (int slice = from; slice < to; slice++)
        {
            foreach (int branch in node.BranchDomains)
            {
                domains[branch].ClearSlice(slice);
            }

            SliceRows rows = domain.Slices[slice];
            for (int row = rows.First; row < rows.First + rows.Count; row++)
            {
                ReadOnlySpan<float> sample = input.Slice(row * width, width);
                int branch = rule.Choose(sample);
                Invariant.Holds((uint)branch < (uint)node.BranchDomains.Length);
                int moved = domains[node.BranchDomains[branch]].Append(slice, row);
                sample.CopyTo(node.Outputs[branch].Span[(moved * width)..]);
            }
        }
    }

    /// <summary>The gradient of a route: each row from the branch that it took.</summary>
    public static void Backward(NodeMemory node, RowDomain[] domains, int from, int to)
    {
        for (int branch = 0; branch < node.BranchDomains.Length; branch++)
        {
            MoveBack(node.OutputGradients[branch], node.InputGradients[0], domains[node.BranchDomains[branch]], node.Node.OutputShape.Length, from, to);
        }
    }

    /// <summary>The output of a merge: each row from the branch that it took.</summary>
    public static void MergeForward(NodeMemory node, RowDomain[] domains, int from, int to)
    {
        for (int branch = 0; branch < node.BranchDomains.Length; branch++)
        {
            MoveBack(node.Inputs[branch], node.Output, domains[node.BranchDomains[branch]], node.Node.OutputShape.Length, from, to);
        }
    }

    /// <summary>The gradient of a merge: each row into the branch that it took.</summary>
    public static void MergeBackward(NodeMemory node, RowDomain[] domains, int from, int to)
    {
        int width = node.Node.OutputShape.Length;
        ReadOnlySpan<float> gradient = node.OutputGradients[0].Span;
        for (int branch = 0; branch < node.BranchDomains.Length; branch++)
        {
            RowDomain domain = domains[node.BranchDomains[branch]];
            Span<float> destination = node.InputGradients[branch].Span;
            for (int slice = from; slice < to; slice++)
            {
                SliceRows rows = domain.Slices[slice];
                for (int row = rows.First; row < rows.First + rows.Count; row++)
                {
                    gradient.Slice(domain.ParentRow(row) * width, width).CopyTo(destination[(row * width)..]);
                }
            }
        }
    }

    private static void MoveBack(RowBuffer branch, RowBuffer parent, RowDomain domain, int width, int from, int to)
    {
        for (int slice = from; slice < to; slice++)
        {
            SliceRows rows = domain.Slices[slice];
            for (int row = rows.First; row < rows.First + rows.Count; row++)
            {
                branch.Span.Slice(row * width, width).CopyTo(parent.Span[(domain.ParentRow(row) * width)..]);
            }
        }
    }
}
