using DistNet.Kernels;
using DistNet.Losses;
using DistNet.Modules;
using DistNet.Runs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Graphs;

/// <summary>The way of some rows through the graph: gather, forward, loss, backward. Each thread takes whole slices and meets no other until it is done.</summary>
internal sealed class RowsPhase : ITeamWork
{
    private readonly PassState pass;
    private readonly ExecutionMemory memory;
    private readonly Loss loss;
    private readonly ForwardContext[] forward;
    private readonly BackwardContext[] backward;
    private readonly LossContext[] losses;
    private readonly int outputWidth;

    public RowsPhase(PassState pass, Graph graph, ExecutionMemory memory, Loss loss, AlignedBuffer[] scratch, int maximumSlices)
    {
        this.pass = pass;
        this.memory = memory;
        this.loss = loss;
        forward = [.. scratch.Select(own => new ForwardContext(pass, own))];
        backward = [.. scratch.Select(own => new BackwardContext(pass, own))];
        int sliceSize = memory.Domains[0].SliceSize;
        outputWidth = graph.OutputShape.Length;
        int lossScratch = AlignedBuffer.LengthOf(loss.ScratchLength(sliceSize, outputWidth), $"What the loss needs for a slice of {sliceSize} samples", ExecutionMemory.Remedy);
        losses = [.. scratch.Select(_ => new LossContext(pass.Unit, outputWidth, lossScratch))];
        SliceMetrics = new NodeMetrics[maximumSlices];
    }

    /// <summary>The slices of the wave, counted from the pass's first.</summary>
    public SliceRange Wave { get; set; }

    /// <summary>Whether the loss is computed.</summary>
    public bool WithLoss { get; set; }

    /// <summary>Who looks at what was computed of a training pass over one slice; null for nobody.</summary>
    public NonFiniteWatch? Watch { get; set; }

    /// <summary>The loss and counts of each slice of the pass.</summary>
    public NodeMetrics[] SliceMetrics { get; }

    /// <inheritdoc/>
    public void Execute(int part, int parts)
    {
        int from = (int)((long)Wave.Count * part / parts);
        int to = (int)((long)Wave.Count * (part + 1) / parts);
        if (from == to)
        {
            return;
        }

        // Who looks at the sample sees it here; its reader may then gather it once more.
        if (!memory.SampleIsTakenIn || Watch is not null)
        {
            Gather(from, to);
            Watch?.Sample();
            pass.Laps?.Lap(PassPart.Gather, "");
        }

        foreach (NodeMemory node in memory.Nodes)
        {
            Forward(forward[part], node, from, to);
            Watch?.Forward(node);
            pass.Laps?.Lap(PassPart.Forward, node.Node.Name);
        }

        if (WithLoss)
        {
            for (int slice = from; slice < to; slice++)
            {
                SliceMetrics[Wave.First + slice] = LossOf(losses[part], slice);
            }

            Watch?.Loss();
            pass.Laps?.Lap(PassPart.Loss, "");
        }

        if (!pass.Training)
        {
            return;
        }

        for (int index = memory.Nodes.Length - 1; index >= 0; index--)
        {
            if (memory.Nodes[index].Node.NeedsBackward)
            {
                Backward(backward[part], memory.Nodes[index], from, to);
                Watch?.Backward(memory.Nodes[index]);
                pass.Laps?.Lap(PassPart.Backward, memory.Nodes[index].Node.Name);
            }
        }
    }

    private void Gather(int from, int to)
    {
        SliceRows[] slices = memory.Domains[0].Slices;
        int first = slices[from].First;
        int count = slices[to - 1].First + slices[to - 1].Count - first;
        pass.Gather(first, count, memory.Sample.Span);
    }

    private void Forward(ForwardContext context, NodeMemory node, int from, int to)
    {
        Module module = node.Node.Module;
        RowDomain domain = memory.Domains[node.Node.Domain];
        if (module.OutputIsInput || node.IsTakenIn)
        {
            return;
        }

        if (module is Route route)
        {
            Routes.Forward(route.Rule, node, domain, memory.Domains, from, to);
        }
        else if (module is Merge)
        {
            Routes.MergeForward(node, memory.Domains, from, to);
        }
        else if (domain.Parent is null)
        {
            context.Bind(node, domain, from, to - from);
            module.Forward(context);
        }
        else
        {
            for (int slice = from; slice < to; slice++)
            {
                if (domain.Slices[slice].Count > 0)
                {
                    context.Bind(node, domain, slice, 1);
                    module.Forward(context);
                }
            }
        }
    }

    private void Backward(BackwardContext context, NodeMemory node, int from, int to)
    {
        Module module = node.Node.Module;
        RowDomain domain = memory.Domains[node.Node.Domain];
        if (module.InputGradientIsOutputGradient || node.IsTakenIn)
        {
            return;
        }

        if (module is Route)
        {
            Routes.Backward(node, memory.Domains, from, to);
        }
        else if (module is Merge)
        {
            Routes.MergeBackward(node, memory.Domains, from, to);
        }
        else if (domain.Parent is null)
        {
            context.Bind(node, domain, from, to - from);
            module.Backward(context);
        }
        else
        {
            for (int slice = from; slice < to; slice++)
            {
                if (domain.Slices[slice].Count > 0)
                {
                    context.Bind(node, domain, slice, 1);
                    module.Backward(context);
                }
            }
        }
    }

    private NodeMetrics LossOf(LossContext context, int slice)
    {
        SliceRows rows = memory.Domains[0].Slices[slice];
        int start = rows.First * outputWidth;
        int length = rows.Count * outputWidth;
        RowBuffer? gradient = pass.Training ? memory.OutputGradient : null;
        context.Bind(memory.Output.Memory.Slice(start, length), gradient is null ? default : gradient.Memory.Slice(start, length), pass.Data!, pass.Samples.Slice(rows.First, rows.Count));
        return loss.Compute(context);
    }
}
